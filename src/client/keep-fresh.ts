import type { AuthClient } from './client.ts'

/** Shorter than the time before expiry at which a token is renewed. */
const TIMER_MS = 5000
/** Browsers report one return to a page by several events. */
const MIN_CHECK_INTERVAL_MS = 1000

/**
 * Keeps the session of a visible page current: renews the access token before it expires, and asks the server whether
 * the session is still active when the user returns to the page. A failure changes nothing; the next request reports
 * it. Does nothing outside browsers.
 * @returns a function that stops it
 */
export function keepFresh(client: AuthClient): () => void {
  const { document, window } = globalThis
  if (!document?.addEventListener) return () => {}
  let checkedAt = 0
  const isActive = () => document.visibilityState !== 'hidden' && client.state.status === 'signedIn'
  const renew = () => {
    if (isActive()) client.getAccessToken().catch(() => {})
  }
  const check = () => {
    if (!isActive() || Math.abs(Date.now() - checkedAt) < MIN_CHECK_INTERVAL_MS) return
    checkedAt = Date.now()
    client.me().catch(() => {})
  }
  const timer = setInterval(renew, TIMER_MS)
  window.addEventListener('focus', check)
  document.addEventListener('visibilitychange', check)
  // A page that the browser kept when the user left it, and now shows again.
  window.addEventListener('pageshow', check)
  return () => {
    clearInterval(timer)
    window.removeEventListener('focus', check)
    document.removeEventListener('visibilitychange', check)
    window.removeEventListener('pageshow', check)
  }
}
