import type pg from 'pg'
import { togetherFor } from './together.ts'

type Select = (pool: pg.Pool, values: unknown[]) => Promise<unknown[][]>

/**
 * Finds rows by the ID in their first column. Look-ups in the same turn of the event loop share one query, which
 * always runs after they were requested. `selectOne` takes one ID, `selectMany` takes IDs joined by commas.
 */
export function batchedLookup(selectOne: Select, selectMany: Select) {
  return togetherFor(async (pool: pg.Pool, ids: readonly string[]): Promise<(unknown[] | undefined)[]> => {
    const rows = await (ids.length === 1 ? selectOne(pool, [...ids]) : selectMany(pool, [ids.join()]))
    const byId = new Map(rows.map(row => [row[0], row]))
    return ids.map(id => byId.get(id))
  })
}
