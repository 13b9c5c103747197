/**
 * Where `?return_to=` leads: an http(s) address of one of `origins`, as browsers read it, without a name or
 * password in it. Undefined where it may not be followed.
 */
export function returnTo(search: string, origins: readonly string[]): string | undefined {
  const wanted = new URLSearchParams(search).get('return_to')
  // Only whole addresses: a relative one has too many spellings, such as //host and \\host.
  if (!wanted || !/^https?:\/\/[^/\\]/i.test(wanted) || /[\\\p{C}\s]/u.test(wanted)) return undefined
  if (!URL.canParse(wanted)) return undefined
  const url = new URL(wanted)
  const plain = url.username === '' && url.password === ''
  return plain && origins.includes(url.origin) ? url.href : undefined
}
