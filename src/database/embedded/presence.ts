import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { SUPERUSER } from './cluster.ts'
import type { Place } from './place.ts'
import { isPostmaster, readPidFile, serverError } from './server-process.ts'

/** This process's session with the server. It holds the shared lock that marks the server as in use. */
export type Presence = { client: pg.Client; pid: number; socketDir: string; lost: boolean }

export const POLL_MS = 15
export const QUERY_TIMEOUT_MS = 60_000
const GRACE_MS = 500
// An arbitrary number that is not used for other locks in this cluster's database "postgres".
const LOCK = 7_281_503_114
const NAME = 'authograph presence'

/** Connects to the server named in `postmaster.pid` and takes the shared lock. */
export async function greet(cluster: string): Promise<Presence | 'starting' | 'silent'> {
  const pidFile = await readPidFile(cluster)
  if (!pidFile) return 'silent'
  const { pid, socketDir, status, text } = pidFile
  // Connecting earlier would write a FATAL line to the server's log each time.
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
  // Without a listener, a lost connection would end the process. The 'end' event handles it.
  client.on('error', () => {})
  try {
    await client.connect()
    // Waits while another process decides whether to stop the server. Then the server ends, or we get the lock.
    await client.query('SELECT pg_advisory_lock_shared($1)', [LOCK])
    const answer = await client.query<{ text: string }>(`SELECT pg_read_file('postmaster.pid') AS text`)
    // Otherwise, the socket belongs to another server: a later one, or that of the folder this one was copied from.
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

/** Ends the presence, and stops the server if no other process or client uses it. Waits until it has stopped. */
export async function leave(place: Place, presence: Presence, log: (message: string) => void): Promise<void> {
  const current = presence.lost ? await greet(place.cluster) : presence
  if (typeof current === 'string') return
  const { client, pid } = current
  try {
    // The pid of a server in another container means nothing here.
    if ((await becomesSoleUser(client)) && (await isPostmaster(pid, place.cluster))) {
      process.kill(pid, 'SIGINT')
      await untilGone(place, pid)
    } else {
      log('The built-in PostgreSQL keeps running, because others use it.')
    }
  } catch (error) {
    // Another process may have stopped the server at the same time, which ends our session.
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
  // A closed connection is listed until its backend notices.
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
  // A server removes its pid file last. Its process may remain as a zombie if this process is pid 1 of a container,
  // because pid 1 inherits it.
  while ((await readPidFile(place.cluster))?.pid === pid && (await isPostmaster(pid, place.cluster))) {
    if (Date.now() > giveUpAt)
      throw await serverError(place, `(pid ${pid}) did not shut down within a minute`)
    await sleep(POLL_MS)
  }
}

// sslmode: otherwise PGSSLMODE in the environment could make clients request TLS on a Unix socket.
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
    // duplicate_database, unique_violation: another process created it first
    if (!isDatabaseError(error, '42P04', '23505')) throw error
  } finally {
    await client.end()
  }
}

function isDatabaseError(error: unknown, ...codes: string[]): boolean {
  return error instanceof pg.DatabaseError && codes.includes(error.code ?? '')
}
