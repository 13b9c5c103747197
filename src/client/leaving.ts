/** After this, a button works again on a page that is still there. */
const LEAVE_MAX_MS = 10_000

/** Waits until the browser has left, so that a button stays busy. Back in a page from its cache, it works again. */
export function leaving(): Promise<void> {
  return new Promise(resolve => {
    addEventListener('pageshow', () => resolve(), { once: true })
    setTimeout(resolve, LEAVE_MAX_MS)
  })
}
