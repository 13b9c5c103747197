import type { ListState } from './list-state.ts'
import type { PageInfo } from './pager.tsx'

/** The server counts exactly up to this number. */
export const EXACT_MAX = 10_000

export type Range = { first: number; last: number }

/**
 * The positions of the rows on a page, from 1. Pages have no numbers, so the address counts along: what is added
 * or removed meanwhile can shift the count by as much, until the first or the last page sets it right.
 * Undefined if the address doesn't say.
 */
export function rangeOf(
  { at, page }: Pick<ListState, 'at' | 'page'>,
  { hasNextPage, hasPreviousPage }: Pick<PageInfo, 'hasNextPage' | 'hasPreviousPage'>,
  rows: number,
  total: number,
): Range | undefined {
  if (rows === 0) return undefined
  if (!hasPreviousPage) return { first: 1, last: rows }
  if (!hasNextPage && total <= EXACT_MAX) return { first: total - rows + 1, last: total }
  if (at === undefined) return undefined
  const first = Math.max(1, 'before' in page ? at - rows : at)
  return { first, last: first + rows - 1 }
}
