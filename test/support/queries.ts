import type pg from 'pg'

/** What a replica does beside its requests. */
const CHORES = /^(keys-|mail-|search-index$|prune )/

/** Tells `note` the name of each statement that requests run on the pool, until it is told to stop. */
export function watchQueries(pool: pg.Pool, note: (name: string | undefined) => void): () => void {
  const { query } = pool
  pool.query = ((...args: [{ name?: string }]) => {
    const [{ name }] = args
    if (!name || !CHORES.test(name)) note(name)
    return Reflect.apply(query, pool, args)
  }) as typeof pool.query
  return () => {
    pool.query = query
  }
}
