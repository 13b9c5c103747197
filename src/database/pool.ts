import pg from 'pg'

/** How long a connection may take to come, and then a statement to be answered. */
export const QUERY_TIMEOUT_MS = 1500
/** PostgreSQL gives up a little earlier, so that a statement that only waits for a lock costs no connection. */
const STATEMENT_TIMEOUT_MS = 1200
/** Whoever has vanished in the middle of a transaction does not keep its locks. */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 5000

/**
 * A pool in which every statement is answered or fails within `QUERY_TIMEOUT_MS`. Where no answer comes, what
 * became of the statement is unknown, and so is the state of its transaction: the connection is let go of.
 * A network that drops packets tells nobody, so the idle connections go with it; new ones cost a millisecond. Pools to
 * one database share `idle`.
 *
 * Not by pg's `query_timeout`: that leaves the connection in use, with a COMMIT that may still come or a
 * transaction that never ends, and what later requests write in it would be lost.
 */
export function createPool(options: pg.PoolConfig, idle = new Set<pg.Client>()): pg.Pool {
  const pool = new pg.Pool({
    ...options,
    connectionTimeoutMillis: QUERY_TIMEOUT_MS,
    onConnect: async connected => {
      const client = connected as pg.Client
      // Its pool listens only while it is idle. Elsewhere, a connection that breaks would end the process; whoever uses
      // it gets the error from the statement.
      client.on('error', () => {})
      whenSilent(client, () => {
        for (const each of [client, ...idle]) {
          each.connection.stream.destroy(new Error('The database connection fell silent'))
        }
      })
      // Not as parameters of the connection: PgBouncer refuses those.
      await client.query(
        `SET statement_timeout = ${STATEMENT_TIMEOUT_MS};
         SET idle_in_transaction_session_timeout = ${IDLE_IN_TRANSACTION_TIMEOUT_MS}`,
      )
    },
  })
  pool.on('acquire', client => idle.delete(client))
  pool.on('release', (_error, client) => idle.add(client))
  pool.on('remove', client => idle.delete(client))
  return pool
}

/** Calls back when no answer has come `QUERY_TIMEOUT_MS` after the latest statement. */
function whenSilent(client: pg.Client, giveUp: () => void): void {
  let answered = true
  let timer: NodeJS.Timeout | undefined
  const settle = () => {
    answered = true
    clearTimeout(timer)
  }
  client.on('drain', settle)
  client.on('end', settle)
  const query = client.query.bind(client) as (...args: unknown[]) => unknown
  const timed = (...args: unknown[]) => {
    answered = false
    clearTimeout(timer)
    // Once more around the event loop: if it was us who were busy, the answer has arrived meanwhile.
    timer = setTimeout(() => setImmediate(() => answered || giveUp()), QUERY_TIMEOUT_MS)
    return query(...args)
  }
  client.query = timed as typeof client.query
}
