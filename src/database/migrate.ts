import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { type AppliedRow, appliedRows, isFinished, nextPending } from './applied-migrations.ts'
import { applyInTransaction, applyOutsideTransaction, breakOnAbort } from './apply-migration.ts'
import { MIGRATIONS, type Migration, migrationNames, readMigrations } from './migrations.ts'

export type MigrateOptions = {
  /** Aborts every wait, such as for another replica's migration. */
  aborted?: AbortSignal | undefined
  /** Called after each attempt that could not get a lock. `waitMs` is the time until the next attempt. */
  onBlocked?: (blocked: { migration: string; waitMs: number; oldestTransaction: string | undefined }) => void
  /** How long to retry while other sessions lock the tables. */
  retryForMs?: number
}

/** The advisory lock that `prisma migrate` takes (its P1002 error names it), so that the two never run together. */
const PRISMA_LOCK = 72_707_369
const TURN_POLL_MS = 200
const FIRST_WAIT_MS = 250
const MAX_WAIT_MS = 15_000
const QUERY_TIMEOUT_MS = 10 * 60_000

/** lock_not_available, deadlock_detected */
const BLOCKED = new Set(['55P03', '40P01'])

/**
 * Brings the database to this version's schema and returns the names of the migrations that this call applied, in
 * order. A second call applies nothing. Equivalent to `prisma migrate deploy`, and both can be used on one database.
 * If several replicas start together, each migration runs once.
 *
 * A migration and its record are one transaction, so a process that is killed leaves nothing half applied. A migration
 * that begins with `-- authograph: no transaction` runs statement by statement instead, as CREATE INDEX CONCURRENTLY
 * requires. If it is interrupted, the next start completes it.
 *
 * A statement waits at most half a second for a table that another session has locked, because every other query on
 * the table queues behind it. The migration is retried with increasing waits for ten minutes. CONCURRENTLY statements and
 * VALIDATE CONSTRAINT block no reads or writes while they wait, so they have no limit.
 *
 * Rolling deploys: the new version migrates while the old one still serves, so a migration must leave the previous
 * version working (expand now, contract a release later). A running replica stays in service, because
 * `pendingMigrations` ignores migrations that it doesn't know. A version that *starts* on a newer database fails,
 * because that is more likely a mistaken downgrade than a restart during a deploy. A downgrade may silently destroy
 * data; a failed restart is only retried.
 *
 * @param pool needs two connections for migrations outside transactions
 * @throws when the file of an applied migration has changed, when the database has migrations that this version does
 * not know, when `prisma migrate deploy` left one unfinished, when the tables stay locked, and when a migration's SQL
 * fails (the message names it; earlier migrations stay applied)
 */
export async function migrate(
  pool: pg.Pool,
  folder = MIGRATIONS,
  options: MigrateOptions = {},
): Promise<string[]> {
  const migrations = await readMigrations(folder)
  if (!nextPending(migrations, await appliedRows(pool))) return []
  const names: string[] = []
  for (;;) {
    const name = await applyNextWithRetries(pool, migrations, options)
    if (!name) return names
    names.push(name)
  }
}

/**
 * The names of this version's migrations that the database lacks, in order; an empty list means ready. Ignores
 * migrations that this version doesn't know (see `migrate` for the reason).
 *
 * @throws only when the database or the folder cannot be read
 */
export async function pendingMigrations(pool: pg.Pool, folder = MIGRATIONS): Promise<string[]> {
  const applied = new Set((await appliedRows(pool)).filter(isFinished).map(row => row.migration_name))
  return (await migrationNames(folder)).filter(name => !applied.has(name))
}

/**
 * Checks the migrations that the database already has. Changes nothing.
 * @throws the same errors as `migrate`
 */
export async function requireKnownMigrations(pool: pg.Pool, folder = MIGRATIONS): Promise<void> {
  nextPending(await readMigrations(folder), await appliedRows(pool))
}

async function applyNextWithRetries(
  pool: pg.Pool,
  migrations: Migration[],
  { aborted, onBlocked, retryForMs = QUERY_TIMEOUT_MS }: MigrateOptions,
): Promise<string | undefined> {
  const giveUpAt = Date.now() + retryForMs
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, MAX_WAIT_MS)) {
    try {
      return await applyNext(pool, migrations, aborted)
    } catch (error) {
      if (!(error instanceof BlockedError)) throw error
      const oldestTransaction = await findOldestTransaction(pool)
      if (Date.now() + waitMs > giveUpAt) throw error.afterRetries(retryForMs, oldestTransaction)
      onBlocked?.({ migration: error.migration, waitMs, oldestTransaction })
      // Jitter, so that replicas don't retry in step.
      await pause(waitMs * (0.75 + Math.random() / 2), aborted)
    }
  }
}

/** Applies the first pending migration and returns its name; undefined if none is pending. */
async function applyNext(
  pool: pg.Pool,
  migrations: Migration[],
  aborted: AbortSignal | undefined,
): Promise<string | undefined> {
  const client = await pool.connect()
  const stopWatching = breakOnAbort(client, aborted)
  let migration: Migration | undefined
  try {
    await beginLocked(client, aborted)
    const rows = await appliedRows(client)
    migration = nextPending(migrations, rows)
    if (migration?.statements) {
      await applyOutsideTransaction(
        pool,
        migration,
        migration.statements,
        rows.find(isOf(migration)),
        aborted,
      )
    } else if (migration) {
      await applyInTransaction(client, migration)
    }
    await client.query('COMMIT')
    return migration?.name
  } catch (error) {
    if (aborted?.aborted) throw aborted.reason
    throw migration && isBlocked(error) ? new BlockedError(migration.name, error) : error
  } finally {
    stopWatching()
    // Closing the connection rolls back a failed migration and discards settings that it may have changed.
    client.release(true)
  }
}

const isOf = (migration: Migration) => (row: AppliedRow) => row.migration_name === migration.name

/**
 * Begins a transaction that holds the lock shared by all replicas. Polls for it, because CREATE INDEX CONCURRENTLY
 * waits for every statement that started earlier, and so would wait for a statement that waits for the lock.
 */
async function beginLocked(client: pg.PoolClient, aborted: AbortSignal | undefined): Promise<void> {
  for (;;) {
    // READ COMMITTED, because the reads below must see what another replica committed while this one waited. Between
    // statements, such a transaction holds no snapshot that CREATE INDEX CONCURRENTLY would wait for.
    // The pool may limit statements to seconds, but a migration has no limit.
    await client.query(
      `BEGIN ISOLATION LEVEL READ COMMITTED;
       SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0`,
    )
    const taken = await client.query<{ held: boolean }>('SELECT pg_try_advisory_xact_lock($1) AS held', [
      PRISMA_LOCK,
    ])
    if (taken.rows[0]?.held) return
    await client.query('ROLLBACK')
    await pause(TURN_POLL_MS, aborted)
  }
}

function isBlocked(error: unknown): error is Error {
  const cause = error instanceof Error && error.cause
  return cause instanceof pg.DatabaseError && BLOCKED.has(cause.code ?? '')
}

/** Other sessions have locked tables that a migration changes. */
class BlockedError extends Error {
  readonly migration: string

  constructor(migration: string, cause: Error) {
    super(cause.message, { cause })
    this.migration = migration
  }

  afterRetries(ms: number, oldestTransaction: string | undefined): Error {
    const who = oldestTransaction ? ` The oldest open transaction belongs to ${oldestTransaction}.` : ''
    return new Error(
      `Migration ${this.migration} could not be applied: for ${Math.round(ms / 1000)} s, other sessions have locked the ` +
        `tables that it changes.${who} Start again when they have finished.`,
      { cause: this.cause },
    )
  }
}

/** The session most likely to hold the lock, such as `pg_dump (pid 4711), begun 12 s ago`. */
async function findOldestTransaction(pool: pg.Pool): Promise<string | undefined> {
  const oldest = await pool.query<{ description: string }>(
    `SELECT format('%s (pid %s), begun %s s ago', coalesce(nullif(application_name, ''), 'a client'), pid,
              round(extract(epoch FROM clock_timestamp() - xact_start))) AS description
     FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
     ORDER BY xact_start LIMIT 1`,
  )
  return oldest.rows[0]?.description
}

/** @throws when aborted */
async function pause(ms: number, aborted: AbortSignal | undefined): Promise<void> {
  await sleep(ms, undefined, aborted && { signal: aborted })
}
