// Lists both cases: a case-insensitive match would accept the Kelvin sign (U+212A), which `toLowerCase` turns into k.
const USERNAME = /^[A-Za-z0-9_.-]{3,32}$/

/**
 * The canonical form of a username, in which it is stored and compared: lowercase, 3 to 32 characters from
 * `a-z 0-9 _ . -`, without surrounding spaces, which phone keyboards add. Undefined if it is not a username. Never
 * contains `@`, so a username cannot be mistaken for an email address.
 */
export function canonicalUsername(username: string): string | undefined {
  const trimmed = username.trim()
  return USERNAME.test(trimmed) ? trimmed.toLowerCase() : undefined
}
