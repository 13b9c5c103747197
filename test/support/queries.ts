import type pg from 'pg'
import type { App } from '../../src/app.ts'

/** What a replica does beside its requests. */
const BACKGROUND = /^(clock-|keys-|mail-|search-index$|webhooks?-|prune )/

type Query = { query: (...args: never[]) => unknown }

/** Calls `note` with the name of each statement that requests run, on both pools, until stopped. */
export function watchQueries(app: App, note: (name: string | undefined) => void): () => void {
  const watched = new Map([[app.pool as Query, watch(app.pool)]])
  const { pool } = app.limiter
  const onAcquire = (client: pg.PoolClient) => {
    if (!watched.has(client)) watched.set(client, watch(client))
  }
  pool.on('acquire', onAcquire)
  return () => {
    pool.off('acquire', onAcquire)
    for (const restore of watched.values()) restore()
  }

  function watch(target: Query): () => void {
    const { query } = target
    target.query = (...args) => {
      const [{ name }] = args as unknown as [{ name?: string }]
      if (!name || !BACKGROUND.test(name)) note(name)
      return Reflect.apply(query, target, args)
    }
    return () => {
      target.query = query
    }
  }
}
