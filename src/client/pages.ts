/** A page that the server has when its setting `WEB` is on. */
export type ServerPage = 'sign-in' | 'register' | 'forgot-password' | 'account'

/**
 * The address of a page of the server with the endpoint `url`. After signing in there, people return to `returnTo`, if
 * RETURN_ORIGINS or CORS_ORIGINS lists its origin.
 */
export function pageUrl(url: string, page: ServerPage, returnTo: string | undefined): string {
  const address = `${url.replace(/\/[^/]*$/, '')}/${page}`
  return returnTo && page !== 'account' ? `${address}?return_to=${encodeURIComponent(returnTo)}` : address
}
