import { useEffect, useState } from 'react'

/**
 * The token of a link in an email, from the fragment, which browsers never send to a server. Links from earlier versions
 * have it in the query. It leaves the address bar and the history immediately, where others could see or share it;
 * this tab keeps it, so that the page survives a reload. Undefined if the link has none.
 */
export function useLinkToken(): string | undefined {
  const [token] = useState(() => {
    const found = tokenIn(location.hash) ?? tokenIn(location.search)
    if (found) storeForTab(found)
    return found ?? storedForTab()
  })
  useEffect(() => {
    if (location.search !== '' || location.hash !== '') {
      history.replaceState(history.state, '', location.pathname)
    }
    // Another link to this page changes only the fragment, for which browsers load nothing.
    const restart = () => {
      if (tokenIn(location.hash)) location.reload()
    }
    addEventListener('hashchange', restart)
    return () => removeEventListener('hashchange', restart)
  }, [])
  return token
}

/** Removes the token of this page from the tab, once it is of no more use. */
export function forgetLinkToken(): void {
  try {
    sessionStorage.removeItem(storageKey())
  } catch {}
}

/** Each page has its own: the token of one link must not reach the page of another. */
function storageKey(): string {
  return `authograph.link ${location.pathname}`
}

function storeForTab(token: string): void {
  try {
    sessionStorage.setItem(storageKey(), token)
  } catch {
    // Storage is blocked: the link works until the page is reloaded.
  }
}

function storedForTab(): string | undefined {
  try {
    return sessionStorage.getItem(storageKey()) ?? undefined
  } catch {
    return undefined
  }
}

/** `part` is the query or the fragment, including its first character. */
function tokenIn(part: string): string | undefined {
  return new URLSearchParams(part.slice(1)).get('token') ?? undefined
}
