import { useEffect, useState } from 'react'

/**
 * The token of a link in an email, from the fragment, which never reaches a server; links of earlier versions have it in
 * the query. It leaves the address bar and the history immediately, where others could see or share it. Undefined if
 * the link has none.
 */
export function useLinkToken(): string | undefined {
  const [token] = useState(() => tokenIn(location.hash) ?? tokenIn(location.search))
  useEffect(() => {
    if (location.search !== '' || location.hash !== '') {
      history.replaceState(history.state, '', location.pathname)
    }
    // Another link to this page changes the fragment alone, for which a browser loads nothing.
    const restart = () => {
      if (tokenIn(location.hash)) location.reload()
    }
    addEventListener('hashchange', restart)
    return () => removeEventListener('hashchange', restart)
  }, [])
  return token
}

/** `part` is the query or the fragment, with its first character. */
function tokenIn(part: string): string | undefined {
  return new URLSearchParams(part.slice(1)).get('token') ?? undefined
}
