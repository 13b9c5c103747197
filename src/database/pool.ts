import pg from 'pg'
import { openSession, type Pooler, type SessionLimits } from './open-session.ts'
import { cancelStatement, isShared } from './pooler.ts'
import type { Primary } from './primary.ts'
import { clientOf, type PrimaryClient } from './primary-client.ts'
import { clientConfig } from './server.ts'
import { types } from './timestamp.ts'

/** PostgreSQL's timeouts, for a pool whose statements fail within `timeoutMs`. */
function limitsOf(timeoutMs: number): SessionLimits {
  return {
    /** Shorter than ours, so that a statement that waits for a lock does not cost the connection. */
    statement: timeoutMs - 300,
    /** Releases the locks of a client that disappears in the middle of a transaction. */
    idleInTransaction: Math.max(5000, timeoutMs),
  }
}
/** A database that is still starting needs a few seconds. */
const CONNECT_AT_START_MS = 10_000

/**
 * A pool in which every statement is answered or fails within `timeoutMs`. If no answer arrives, the outcome of
 * the statement and the state of its transaction are unknown, so the connection is closed. Idle connections are closed
 * too: a network that drops packets reports nothing, and new connections take a millisecond. Pools to one database
 * share `idle`.
 *
 * pg's `query_timeout` is not an option, because it keeps the connection in use: a COMMIT may still be pending, or the
 * transaction never ends and the writes of later requests are lost with it.
 */
export function createPool(
  primary: Primary,
  pooler: Pooler,
  { max, timeoutMs }: { max: number; timeoutMs: number },
  idle = new Set<pg.Client>(),
): pg.Pool {
  const limits = limitsOf(timeoutMs)
  const pool = new pg.Pool({
    ...clientConfig(primary.url),
    types,
    max,
    Client: clientOf(primary),
    connectionTimeoutMillis: timeoutMs,
    onConnect: async connected => {
      const client = connected as PrimaryClient
      // The pool listens for errors only on idle connections. Without a listener, a broken connection in use would end
      // the process; its user gets the error from the statement.
      client.on('error', () => {})
      whenSilent(client, timeoutMs, () => {
        if (isShared(client)) void endShared(client, idle)
        else closeAll([client, ...idle])
      })
      await openSession(client, primary, pooler, limits)
    },
  })
  pool.on('acquire', client => idle.delete(client))
  pool.on('release', (_error, client) => idle.add(client))
  pool.on('remove', client => idle.delete(client))
  return pool
}

/** A pool of two connections without a statement timeout, for migrations and checks. */
export function createPatientPool(primary: Primary, pooler: Pooler): pg.Pool {
  const pool = new pg.Pool({
    ...clientConfig(primary.url),
    max: 2,
    Client: clientOf(primary),
    connectionTimeoutMillis: CONNECT_AT_START_MS,
    onConnect: connected => openSession(connected as PrimaryClient, primary, pooler),
  })
  return pool.on('error', () => {})
}

/**
 * Closes a connection to a pooler. PostgreSQL's timeout cannot be set there, so its statement is canceled. An answer that
 * arrives meanwhile is ignored: canceling the wait for a synchronous standby lets a COMMIT succeed that a failover loses.
 */
async function endShared(client: PrimaryClient, idle: Set<pg.Client>): Promise<void> {
  client.connection.stream.pause()
  const reached = await cancelStatement(client, canceler => client.server?.aim(canceler))
  closeAll(reached ? [client] : [client, ...idle])
}

function closeAll(clients: pg.Client[]): void {
  for (const { connection } of clients) {
    connection.stream.destroy(new Error('The database connection fell silent'))
  }
}
/** Calls `giveUp` when no answer has arrived `timeoutMs` after the latest statement. */
function whenSilent(client: pg.Client, timeoutMs: number, giveUp: () => void): void {
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
    else timer = setTimeout(check, timeoutMs).unref()
    return query(...args)
  }
  client.query = timed as typeof client.query
}
