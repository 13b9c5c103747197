// Listed rather than matched without regard to case: `toLowerCase` also makes ASCII of the Kelvin sign (U+212A).
const USERNAME = /^[A-Za-z0-9_.-]{3,32}$/

/**
 * The form under which a username is stored and compared: lower case, 3 to 32 of `a-z 0-9 _ . -`,
 * without the spaces a phone's keyboard leaves around it. Undefined when it is not a username.
 * Never contains `@`, so a username cannot pass for an e-mail address.
 */
export function canonicalUsername(username: string): string | undefined {
  const trimmed = username.trim()
  return USERNAME.test(trimmed) ? trimmed.toLowerCase() : undefined
}
