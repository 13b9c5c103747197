import { useSearchParams } from 'wouter'
import { PAGE_SIZE } from './all-pages.ts'

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
  /** The position of the row after `after`, or of the row at `before`, from 1; undefined if the address has none. */
  at: number | undefined
  /** Opens the page after or before a row. `at` as above. */
  turn: (cursor: { after: string | null } | { before: string | null }, at: number | undefined) => void
  /** Changes whenever anything of this does. */
  key: string
}

export function useListState(): ListState {
  const [params, setParams] = useSearchParams()
  const places = ['after', 'before', 'at']
  const before = params.get('before')
  const after = params.get('after')
  const at = Number(params.get('at') ?? Number.NaN)
  return {
    get: name => params.get(name) ?? '',
    set: changes =>
      setParams(current => {
        const next = new URLSearchParams(current)
        for (const place of places) next.delete(place)
        for (const [name, value] of Object.entries(changes)) {
          if (value) next.set(name, value)
          else next.delete(name)
        }
        return next
      }),
    clear: () => setParams(new URLSearchParams()),
    narrowed: params.size > 0,
    page: before ? { last: PAGE_SIZE, before } : { first: PAGE_SIZE, ...(after && { after }) },
    at: Number.isSafeInteger(at) && at > 0 ? at : undefined,
    turn: (cursor, position) =>
      setParams(current => {
        const next = new URLSearchParams(current)
        for (const place of places) next.delete(place)
        if (position !== undefined) next.set('at', String(position))
        for (const [name, value] of Object.entries(cursor)) if (value) next.set(name, value)
        return next
      }),
    key: params.toString(),
  }
}
