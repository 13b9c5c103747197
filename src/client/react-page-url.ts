import { useSyncExternalStore } from 'react'
import type { ServerPage } from './pages.ts'
import { useAuth } from './react-auth.ts'

const neverChanges = () => () => {}

/** The address of a page of the server. A server that renders the link does not know the page to return to. */
export function usePageUrl(page: ServerPage): string {
  const { client } = useAuth()
  return useSyncExternalStore(
    neverChanges,
    () => client.pageUrl(page),
    () => client.pageUrl(page, ''),
  )
}
