import { useSyncExternalStore } from 'react'
import { useSearch } from 'wouter'

const never = () => () => {}

/**
 * A fact that only the browser knows. While a page that the server rendered comes to life, it is what the server assumed,
 * so that both render the same; then the page renders again with the fact.
 */
export function useBrowserFact<Fact>(fact: () => Fact, assumed: Fact): Fact {
  return useSyncExternalStore(never, fact, () => assumed)
}

/** Whether the page has come to life. */
export function useIsAlive(): boolean {
  return useBrowserFact(() => true, false)
}

/** The query of the address. The server renders pages without one. */
export function useVisitorSearch(): string {
  const search = useSearch()
  return useIsAlive() ? search : ''
}
