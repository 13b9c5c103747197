import DataLoader from 'dataloader'
import type pg from 'pg'

type Select = (pool: pg.Pool, values: unknown[]) => Promise<unknown[][]>

/**
 * Finds rows by the id in their first column: what different requests ask for in one turn of the event
 * loop is one query, and each still sees the database as it is after it asked. `selectOne` takes an id,
 * `selectMany` ids joined by commas.
 */
export function batchedLookup(selectOne: Select, selectMany: Select) {
  const loaders = new WeakMap<pg.Pool, DataLoader<string, unknown[] | undefined>>()

  function loaderOf(pool: pg.Pool): DataLoader<string, unknown[] | undefined> {
    return new DataLoader(
      async ids => {
        const rows = await (ids.length === 1 ? selectOne(pool, [...ids]) : selectMany(pool, [ids.join()]))
        const byId = new Map(rows.map(row => [row[0], row]))
        return ids.map(id => byId.get(id))
      },
      // Nothing is remembered: the next request asks the database again.
      { cache: false, batchScheduleFn: callback => setImmediate(callback) },
    )
  }

  return (pool: pg.Pool, id: string): Promise<unknown[] | undefined> => {
    const loader = loaders.get(pool) ?? loaderOf(pool)
    loaders.set(pool, loader)
    return loader.load(id)
  }
}
