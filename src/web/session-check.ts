import { useEffect } from 'react'
import { useAuth } from '../client/react.ts'

/** Browsers report one return to a tab by several events. */
const MIN_INTERVAL_MS = 1000

/** Asks the server whether the session still lives whenever the visitor returns to this tab. */
export function useSessionCheck(): void {
  const { client, status } = useAuth()
  useEffect(() => {
    if (status !== 'signedIn') return
    let checkedAt = 0
    const check = () => {
      if (document.visibilityState !== 'visible' || Date.now() - checkedAt < MIN_INTERVAL_MS) return
      checkedAt = Date.now()
      // Without an answer the page stays as it is; its next query says why.
      client.me().catch(() => {})
    }
    addEventListener('focus', check)
    document.addEventListener('visibilitychange', check)
    // A page that the browser kept when the visitor left it, and now shows again.
    addEventListener('pageshow', check)
    return () => {
      removeEventListener('focus', check)
      document.removeEventListener('visibilitychange', check)
      removeEventListener('pageshow', check)
    }
  }, [client, status])
}
