import { useEffect, useState } from 'react'

/**
 * The token of a link in a mail. It leaves the address bar and the history at once, where it could be seen
 * or shared; undefined where the link has none.
 */
export function useLinkToken(): string | undefined {
  const [token] = useState(() => new URLSearchParams(location.search).get('token') ?? undefined)
  useEffect(() => {
    if (location.search !== '') history.replaceState(history.state, '', location.pathname)
  }, [])
  return token
}
