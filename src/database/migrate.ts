import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { type AppliedRow, appliedRows, isFinished, nextPending } from './applied-migrations.ts'
import { applyInTransaction, applyOutsideTransaction, breakOnAbort } from './apply-migration.ts'
import { MIGRATIONS, type Migration, migrationNames, readMigrations } from './migrations.ts'

export type MigrateOptions = {
  /** Ends every wait, such as for another replica's migration. */
  aborted?: AbortSignal | undefined
  /** Hears of every attempt that got no lock; `wait` has the time until the next in milliseconds. */
  onBlocked?: (blocked: { migration: string; waitMs: number; oldestTransaction: string | undefined }) => void
  /** How long to go on while other sessions hold the tables. */
  patienceMs?: number
}

/** The key that `prisma migrate` takes (its P1002 error names it), so that it and we take turns. */
const PRISMA_LOCK = 72_707_369
const TURN_POLL_MS = 200
const FIRST_WAIT_MS = 250
const MAX_WAIT_MS = 15_000
const QUERY_TIMEOUT_MS = 10 * 60_000

/** lock_timeout; and a deadlock, which the other side wins. */
const BLOCKED = new Set(['55P03', '40P01'])

/**
 * Brings the database to this version's schema and returns the names of the migrations applied by this call,
 * in order; a second call applies nothing. Does what `prisma migrate deploy` does, and the two can take turns
 * on one database. Replicas that start together migrate once.
 *
 * A migration is one transaction together with its record: a process killed half way leaves nothing half applied.
 * One that begins with `-- authograph: no transaction` runs statement by statement instead, as
 * CREATE INDEX CONCURRENTLY must, and is completed by the next start if it is interrupted.
 *
 * No statement waits longer than half a second for a table that another session holds, since everything that needs
 * the table waits behind it; the migration is tried again, less and less often, for ten minutes. Statements with
 * CONCURRENTLY block no reads and writes while they wait, so they wait as long as it takes.
 *
 * Rolling deploys: the new version migrates while the old one still serves, so a migration must leave the
 * previous version working (expand now, contract a release later). A replica that runs already stays in
 * service: `pendingMigrations` does not mind migrations it has never heard of. But a version that is *started*
 * on a newer database fails here, since it is far more likely a mistaken downgrade than a replica restarted
 * during the minutes of a deploy, and the first destroys data quietly where the second is only retried.
 *
 * @param pool needs two connections for migrations outside transactions
 * @throws when an applied migration is not the file of that name any more, when the database has migrations
 * that this version does not know, when one was left unfinished (by `prisma migrate deploy`), when the tables stay
 * locked, and when a migration's SQL fails (named in the message; the earlier ones stay applied).
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
    const name = await applyNextPatiently(pool, migrations, options)
    if (!name) return names
    names.push(name)
  }
}

/**
 * The names of this version's migrations that the database lacks, in order; empty means ready. On an empty
 * database: all of them. Does not judge what the database has beyond that (see `migrate` for why).
 *
 * @throws only when the database or the folder cannot be read
 */
export async function pendingMigrations(pool: pg.Pool, folder = MIGRATIONS): Promise<string[]> {
  const applied = new Set((await appliedRows(pool)).filter(isFinished).map(row => row.migration_name))
  return (await migrationNames(folder)).filter(name => !applied.has(name))
}

/**
 * Changes nothing.
 * @throws what `migrate` would throw about the migrations that the database has already
 */
export async function requireKnownMigrations(pool: pg.Pool, folder = MIGRATIONS): Promise<void> {
  nextPending(await readMigrations(folder), await appliedRows(pool))
}

async function applyNextPatiently(
  pool: pg.Pool,
  migrations: Migration[],
  { aborted, onBlocked, patienceMs = QUERY_TIMEOUT_MS }: MigrateOptions,
): Promise<string | undefined> {
  const giveUpAt = Date.now() + patienceMs
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, MAX_WAIT_MS)) {
    try {
      return await applyNext(pool, migrations, aborted)
    } catch (error) {
      if (!(error instanceof BlockedError)) throw error
      const oldestTransaction = await findOldestTransaction(pool)
      if (Date.now() + waitMs > giveUpAt) throw error.lasting(patienceMs, oldestTransaction)
      onBlocked?.({ migration: error.migration, waitMs, oldestTransaction })
      // Not in step with other replicas.
      await pause(waitMs * (0.75 + Math.random() / 2), aborted)
    }
  }
}

/** Applies the first pending migration; undefined when there is none. */
async function applyNext(
  pool: pg.Pool,
  migrations: Migration[],
  aborted: AbortSignal | undefined,
): Promise<string | undefined> {
  const client = await pool.connect()
  const letGo = breakOnAbort(client, aborted)
  let migration: Migration | undefined
  try {
    await takeTurn(client, aborted)
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
    letGo()
    // Closed rather than given back: that rolls back what failed, and drops what a migration's SET may have left.
    client.release(true)
  }
}

const isOf = (migration: Migration) => (row: AppliedRow) => row.migration_name === migration.name

/**
 * Begins a transaction that holds the lock which replicas share. By asking again and again rather than by waiting:
 * CREATE INDEX CONCURRENTLY waits for every statement that has begun before it, and would wait for that one.
 */
async function takeTurn(client: pg.PoolClient, aborted: AbortSignal | undefined): Promise<void> {
  for (;;) {
    // READ COMMITTED, whatever the default is: what we read below must be newer than the wait for the lock, and
    // between two statements such a transaction keeps no index from being created concurrently.
    // The pool may limit statements to seconds; migrations take as long as they take.
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

/** Other sessions hold what a migration needs. */
class BlockedError extends Error {
  readonly migration: string

  constructor(migration: string, cause: Error) {
    super(cause.message, { cause })
    this.migration = migration
  }

  lasting(ms: number, oldestTransaction: string | undefined): Error {
    const who = oldestTransaction ? ` The oldest open transaction is that of ${oldestTransaction}.` : ''
    return new Error(
      `Migration ${this.migration} could not be applied: for ${Math.round(ms / 1000)} s other sessions have held the ` +
        `tables that it changes.${who} Start again when they are done.`,
      { cause: this.cause },
    )
  }
}

/** Who is likely to hold a lock, such as `pg_dump (pid 4711), begun 12 s ago`. */
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
