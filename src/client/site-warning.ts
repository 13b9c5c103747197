import { warn } from './warn.ts'

/** Says in the console why a reload signs out. Both are a scheme and a host. */
export function warnOfCrossSite(server: string, page: string): void {
  warn(
    `The page is on ${page} and the server on ${server}. These are different sites, so the browser does not keep the ` +
      'session cookie, and a reload signs out. Use one host name for both, such as localhost, or subdomains of one ' +
      "domain over https. If you cannot, set transport to 'body'.",
  )
}
