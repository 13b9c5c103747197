/**
 * Why the browser does not keep the session cookie of `server` for a page of `page`; undefined if it does, or if
 * two domain names do not tell. Both are addresses. The cookie is SameSite=Strict (RFC 6265bis, section 5.2).
 */
export function crossSiteProblem(server: string, page: string | undefined): string | undefined {
  const [serverScheme, serverHost] = partsOf(server)
  const [pageScheme, pageHost] = partsOf(page ?? '')
  if (!serverHost || !pageHost) return undefined
  if (serverScheme === pageScheme && mayShareSite(serverHost, pageHost)) return undefined
  return (
    `The page is on ${pageScheme}//${pageHost} and the server on ${serverScheme}//${serverHost}. These are different ` +
    'sites, so the browser does not keep the session cookie, and a reload signs out. Use one host name for both, ' +
    "such as localhost, or subdomains of one domain over https. If you cannot, set transport to 'body'."
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
