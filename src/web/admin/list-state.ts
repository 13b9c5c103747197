import { useSearchParams } from 'wouter'

const PAGE_SIZE = 25

/** The filters and page of a list. The address holds them, so that it can be shared and the back button works. */
export type ListState = {
  /** The value of a filter; empty if it is not set. */
  get: (name: string) => string
  /** Sets filters, and starts at the first page. */
  set: (changes: Record<string, string>) => void
  clear: () => void
  /** Whether a filter or a page position hides part of the list. */
  narrowed: boolean
  /** The arguments for the page of the list. */
  page: { first: number; after?: string } | { last: number; before: string }
  turn: (cursor: { after: string | null } | { before: string | null }) => void
  /** Changes whenever anything of this does. */
  key: string
}

export function useListState(): ListState {
  const [params, setParams] = useSearchParams()
  const cursors = ['after', 'before']
  const before = params.get('before')
  const after = params.get('after')
  return {
    get: name => params.get(name) ?? '',
    set: changes =>
      setParams(current => {
        const next = new URLSearchParams(current)
        for (const cursor of cursors) next.delete(cursor)
        for (const [name, value] of Object.entries(changes)) {
          if (value) next.set(name, value)
          else next.delete(name)
        }
        return next
      }),
    clear: () => setParams(new URLSearchParams()),
    narrowed: params.size > 0,
    page: before ? { last: PAGE_SIZE, before } : { first: PAGE_SIZE, ...(after && { after }) },
    turn: cursor =>
      setParams(current => {
        const next = new URLSearchParams(current)
        for (const name of cursors) next.delete(name)
        for (const [name, value] of Object.entries(cursor)) if (value) next.set(name, value)
        return next
      }),
    key: params.toString(),
  }
}
