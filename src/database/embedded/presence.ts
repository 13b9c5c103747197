import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { SUPERUSER } from './cluster.ts'
import type { Place } from './place.ts'
import { isPostmaster, readPidFile, serverError } from './server-process.ts'

/** This process's session with the server: it holds the shared lock that says "in use". */
export type Presence = { client: pg.Client; pid: number; socketDir: string; lost: boolean }

export const POLL_MS = 15
export const QUERY_TIMEOUT_MS = 60_000
const GRACE_MS = 500
// Any number will do that nobody else takes in the database "postgres" of this cluster.
const LOCK = 7_281_503_114
const NAME = 'authograph presence'

/** Asks the server that `postmaster.pid` names for a session, and takes the shared lock in it. */
export async function greet(cluster: string): Promise<Presence | 'starting' | 'silent'> {
  const pidFile = await readPidFile(cluster)
  if (!pidFile) return 'silent'
  const { pid, socketDir, status, text } = pidFile
  // Not asked before it is ready, since each question would leave a FATAL in its log.
  if (status !== 'ready') return (await isPostmaster(pid, cluster)) ? 'starting' : 'silent'
  const client = new pg.Client({
    connectionString: connectionString(socketDir, 'postgres'),
    application_name: NAME,
    connectionTimeoutMillis: 5_000,
  })
  const presence = { client, pid, socketDir, lost: false }
  client.on('end', () => {
    presence.lost = true
  })
  // Without a listener a lost connection would end the process; what it means is for the 'end' event.
  client.on('error', () => {})
  try {
    await client.connect()
    // Waits while another process decides whether to stop the server: either it goes, or we have the lock.
    await client.query('SELECT pg_advisory_lock_shared($1)', [LOCK])
    const answer = await client.query<{ text: string }>(`SELECT pg_read_file('postmaster.pid') AS text`)
    // Otherwise another server has that socket: a later one, or the one of a folder that this is a copy of.
    if (answer.rows[0]?.text === text) return presence
    await client.end()
    return 'silent'
  } catch (error) {
    await client.end().catch(() => {})
    // cannot_connect_now (recovering, shutting down), admin_shutdown, crash_shutdown
    if (isDatabaseError(error, '57P03', '57P01', '57P02')) return 'starting'
    if (error instanceof pg.DatabaseError) throw error
    return 'silent'
  }
}

/** Gives the presence up, and stops the server if no other process or client uses it. Waits until it is gone. */
export async function leave(place: Place, presence: Presence, log: (message: string) => void): Promise<void> {
  const current = presence.lost ? await greet(place.cluster) : presence
  if (typeof current === 'string') return
  const { client, pid } = current
  try {
    // In another container its pid says nothing to us.
    if ((await becomesSoleUser(client)) && (await isPostmaster(pid, place.cluster))) {
      process.kill(pid, 'SIGINT')
      await untilGone(place, pid)
    } else {
      log('The built-in PostgreSQL goes on: others use it.')
    }
  } catch (error) {
    // Two processes may stop at once; the shutdown by the other one ends our session.
    if (!current.lost && !isDatabaseError(error, '57P01')) throw error
    await untilGone(place, pid)
  } finally {
    await client.end().catch(() => {})
  }
}

async function becomesSoleUser(client: pg.Client): Promise<boolean> {
  await client.query('SELECT pg_advisory_unlock_shared($1)', [LOCK])
  const lock = await client.query<{ held: boolean }>('SELECT pg_try_advisory_lock($1) AS held', [LOCK])
  if (!lock.rows[0]?.held) return false
  // A connection that its pool has closed is listed until its backend has noticed.
  for (const deadline = Date.now() + GRACE_MS; Date.now() <= deadline; await sleep(POLL_MS)) {
    const others = await client.query(
      `SELECT 1 FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name <> $1`,
      [NAME],
    )
    if (others.rowCount === 0) return true
  }
  return false
}

async function untilGone(place: Place, pid: number): Promise<void> {
  const giveUpAt = Date.now() + QUERY_TIMEOUT_MS
  // Removing its pid file is the last thing a server does. Its pid alone may stay for ever: as a zombie where
  // we have become its parent's heir (pid 1 of a container).
  while ((await readPidFile(place.cluster))?.pid === pid && (await isPostmaster(pid, place.cluster))) {
    if (Date.now() > giveUpAt) throw await serverError(place, `(pid ${pid}) did not shut down in a minute`)
    await sleep(POLL_MS)
  }
}

// sslmode: PGSSLMODE in the environment would otherwise make clients ask for TLS on a Unix socket.
export function connectionString(socketDir: string, database: string): string {
  const host = encodeURIComponent(socketDir)
  return `postgresql://${SUPERUSER}@localhost:5432/${encodeURIComponent(database)}?host=${host}&sslmode=disable`
}

export async function ensureDatabase(socketDir: string, database: string): Promise<void> {
  const client = new pg.Client(connectionString(socketDir, 'postgres'))
  await client.connect()
  try {
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [database])
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${pg.escapeIdentifier(database)}`)
  } catch (error) {
    // duplicate_database, unique_violation: somebody else was quicker
    if (!isDatabaseError(error, '42P04', '23505')) throw error
  } finally {
    await client.end()
  }
}

function isDatabaseError(error: unknown, ...codes: string[]): boolean {
  return error instanceof pg.DatabaseError && codes.includes(error.code ?? '')
}
