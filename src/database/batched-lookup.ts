import type pg from 'pg'
import { type Together, together } from './together.ts'

type Select = (pool: pg.Pool, values: unknown[]) => Promise<unknown[][]>

/**
 * Finds rows by the ID in their first column. Look-ups in the same turn of the event loop share one query, which
 * always runs after they were requested. `selectOne` takes one ID, `selectMany` takes IDs joined by commas.
 */
export function batchedLookup(selectOne: Select, selectMany: Select) {
  const loaders = new WeakMap<pg.Pool, Together<string, unknown[] | undefined>>()

  function loaderOf(pool: pg.Pool): Together<string, unknown[] | undefined> {
    return together(async (ids: readonly string[]) => {
      const rows = await (ids.length === 1 ? selectOne(pool, [...ids]) : selectMany(pool, [ids.join()]))
      const byId = new Map(rows.map(row => [row[0], row]))
      return ids.map(id => byId.get(id))
    })
  }

  return (pool: pg.Pool, id: string): Promise<unknown[] | undefined> => {
    const loader = loaders.get(pool) ?? loaderOf(pool)
    loaders.set(pool, loader)
    return loader.load(id)
  }
}
