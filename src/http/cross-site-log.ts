import type { IncomingHttpHeaders } from 'node:http'
import type { App } from '../app.ts'

/** The log names at most this many origins, so that forged ones cannot fill it. */
const MAX_ORIGINS = 20
const MAX_ORIGIN_LENGTH = 200

/**
 * Logs once for each origin that its pages sign in with the cookie from another site. Browsers then ignore the
 * SameSite=Strict cookie without telling the page, and a reload signs out. A typical case is a page on 127.0.0.1 with
 * a server on localhost. To be called with each request that sets the cookie.
 */
export function crossSiteLog({ config, log }: App): (request: { headers: IncomingHttpHeaders }) => void {
  const logged = new Set<string>()
  return ({ headers }) => {
    // Fetch Metadata: the browser compares the sites itself.
    if (headers['sec-fetch-site'] !== 'cross-site' || headers.origin === undefined) return
    const origin = headers.origin.slice(0, MAX_ORIGIN_LENGTH)
    if (logged.has(origin) || logged.size >= MAX_ORIGINS) return
    logged.add(origin)
    log.warn(
      { origin, server: config.publicUrl },
      'browsers do not keep the session cookie for pages of this origin, because it is on another site than the server: use one host name for both, or subdomains of one domain',
    )
  }
}
