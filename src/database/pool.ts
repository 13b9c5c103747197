import pg from 'pg'
import { types } from './timestamp.ts'

/** The timeout for getting a connection, and then for the answer to a statement. */
export const QUERY_TIMEOUT_MS = 1500
/** PostgreSQL's timeout is shorter, so that a statement that waits for a lock does not cost the connection. */
const STATEMENT_TIMEOUT_MS = 1200
/** Releases the locks of a client that disappears in the middle of a transaction. */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 5000

/**
 * A pool in which every statement is answered or fails within `QUERY_TIMEOUT_MS`. If no answer arrives, the outcome of
 * the statement and the state of its transaction are unknown, so the connection is closed. Idle connections are closed
 * too: a network that drops packets reports nothing, and new connections take a millisecond. Pools to one database
 * share `idle`.
 *
 * pg's `query_timeout` is not an option, because it keeps the connection in use: a COMMIT may still be pending, or the
 * transaction never ends and the writes of later requests are lost with it.
 */
export function createPool(options: pg.PoolConfig, idle = new Set<pg.Client>()): pg.Pool {
  const pool = new pg.Pool({
    types,
    ...options,
    connectionTimeoutMillis: QUERY_TIMEOUT_MS,
    onConnect: async connected => {
      const client = connected as pg.Client
      // The pool listens for errors only on idle connections. Without a listener, a broken connection in use would end
      // the process; its user gets the error from the statement.
      client.on('error', () => {})
      whenSilent(client, () => {
        for (const each of [client, ...idle]) {
          each.connection.stream.destroy(new Error('The database connection fell silent'))
        }
      })
      // PgBouncer refuses these as connection parameters. timestamp.ts is fast for times in UTC.
      await client.query(
        `SET timezone = 'UTC'; SET statement_timeout = ${STATEMENT_TIMEOUT_MS};
         SET idle_in_transaction_session_timeout = ${IDLE_IN_TRANSACTION_TIMEOUT_MS}`,
      )
    },
  })
  pool.on('acquire', client => idle.delete(client))
  pool.on('release', (_error, client) => idle.add(client))
  pool.on('remove', client => idle.delete(client))
  return pool
}

/** Calls `giveUp` when no answer has arrived `QUERY_TIMEOUT_MS` after the latest statement. */
function whenSilent(client: pg.Client, giveUp: () => void): void {
  let isWaiting = false
  let asked = 0
  let timer: NodeJS.Timeout | undefined
  const settle = () => {
    isWaiting = false
  }
  client.on('drain', settle)
  client.on('end', settle)
  const check = () => {
    if (!isWaiting) return
    const latest = asked
    // One more turn of the event loop: if this process was busy, the answer may already be waiting to be read. A statement
    // that is sent in that turn has a time of its own.
    setImmediate(() => {
      if (isWaiting && asked === latest) giveUp()
    })
  }
  const query = client.query.bind(client) as (...args: unknown[]) => unknown
  const timed = (...args: unknown[]) => {
    isWaiting = true
    asked++
    // One timer for the connection, because this runs with every statement. The open connection keeps the process alive.
    if (timer) timer.refresh()
    else timer = setTimeout(check, QUERY_TIMEOUT_MS).unref()
    return query(...args)
  }
  client.query = timed as typeof client.query
}
