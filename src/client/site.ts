/**
 * Warns if the browser does not keep the session cookie of `server` for a page of `page`. Both are addresses. Two domain
 * names may not tell. The cookie is SameSite=Strict (RFC 6265bis, section 5.2).
 */
export function warnIfCrossSite(server: string, page = ''): void {
  const [serverScheme, serverHost] = partsOf(server)
  const [pageScheme, pageHost] = partsOf(page)
  if (!serverHost || !pageHost || (serverScheme === pageScheme && mayShareSite(serverHost, pageHost))) return
  // Loaded on demand: almost no page needs the text.
  import('./site-warning.ts').then(
    ({ warnOfCrossSite }) => warnOfCrossSite(`${serverScheme}//${serverHost}`, `${pageScheme}//${pageHost}`),
    () => {},
  )
}

/** The public suffix list would decide; names that differ in their last two labels are certain without it. */
function mayShareSite(one: string, other: string): boolean {
  if (one === other) return true
  const isDomain = (host: string) => /\.[a-z][^.]*$/.test(host)
  const ending = (host: string) => host.split('.').slice(-2).join('.')
  return isDomain(one) && isDomain(other) && ending(one) === ending(other)
}

/** The URL of React Native has no host. */
function partsOf(address: string): string[] {
  return /^(https?:)\/\/(\[[^\]]*\]|[^/?#:]+)/.exec(address.toLowerCase())?.slice(1) ?? []
}
