/**
 * The address in `?return_to=`: an http(s) URL on one of `origins`, as browsers read it, without a username or
 * password. Undefined if there is none or following it would be unsafe.
 */
export function returnTo(search: string, origins: readonly string[]): string | undefined {
  const wanted = new URLSearchParams(search).get('return_to')
  // Only absolute URLs: relative ones have too many spellings, such as //host and \\host.
  if (!wanted || !/^https?:\/\/[^/\\]/i.test(wanted) || /[\\\p{C}\s]/u.test(wanted)) return undefined
  if (!URL.canParse(wanted)) return undefined
  const url = new URL(wanted)
  const plain = url.username === '' && url.password === ''
  return plain && origins.includes(url.origin) ? url.href : undefined
}

/** `path` with the `return_to` of `search`, so that it survives every page on the way to signing in. */
export function withReturnTo(path: string, search: string): string {
  const wanted = new URLSearchParams(search).get('return_to')
  return wanted === null ? path : `${path}?${new URLSearchParams({ return_to: wanted })}`
}
