import { createHash, randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'

type Migration = { name: string; sql: string }
type AppliedRow = { migration_name: string; checksum: string; finished_at: Date | null }

// Two levels up both from src/database and from dist/database.
const MIGRATIONS = fileURLToPath(new URL('../../prisma/migrations', import.meta.url))

// The key that `prisma migrate` takes (its P1002 error names it), so that it and we take turns.
const PRISMA_LOCK = 72_707_369

// As Prisma's schema engine makes it.
const CREATE_TABLE = `
  CREATE TABLE IF NOT EXISTS _prisma_migrations (
    id                  VARCHAR(36) PRIMARY KEY NOT NULL,
    checksum            VARCHAR(64) NOT NULL,
    finished_at         TIMESTAMPTZ,
    migration_name      VARCHAR(255) NOT NULL,
    logs                TEXT,
    rolled_back_at      TIMESTAMPTZ,
    started_at          TIMESTAMPTZ NOT NULL DEFAULT now(),
    applied_steps_count INTEGER NOT NULL DEFAULT 0
  )`

/**
 * Brings the database to this version's schema and returns the names of the migrations applied by this call,
 * in order; a second call applies nothing. Does what `prisma migrate deploy` does, and the two can take turns
 * on one database. Each migration is one transaction together with its record, under a lock that replicas
 * share: a process killed half way leaves nothing half applied, and replicas that start together migrate once.
 * So a migration cannot contain what PostgreSQL refuses in a transaction (CREATE INDEX CONCURRENTLY, COMMIT).
 *
 * Rolling deploys: the new version migrates while the old one still serves, so a migration must leave the
 * previous version working (expand now, contract a release later). A replica that runs already stays in
 * service: `pendingMigrations` does not mind migrations it has never heard of. But a version that is *started*
 * on a newer database fails here, since it is far more likely a mistaken downgrade than a replica restarted
 * during the minutes of a deploy, and the first destroys data quietly where the second is only retried.
 *
 * @throws when an applied migration is not the file of that name any more, when the database has migrations
 * that this version does not know, when one was left unfinished (by `prisma migrate deploy`), and when a
 * migration's SQL fails (named in the message; the earlier ones stay applied).
 */
export async function migrate(pool: pg.Pool, folder = MIGRATIONS): Promise<string[]> {
  const migrations = await readMigrations(folder)
  if (!nextPending(migrations, await appliedRows(pool))) return []
  const names: string[] = []
  for (;;) {
    const name = await applyNext(pool, migrations)
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

/** Applies the first pending migration; undefined when there is none. */
async function applyNext(pool: pg.Pool, migrations: Migration[]): Promise<string | undefined> {
  const client = await pool.connect()
  try {
    // READ COMMITTED, whatever the default is: what we read below must be newer than the wait for the lock.
    // The pool may limit statements to seconds; waiting for another replica's migration may take longer.
    await client.query(
      'BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0',
    )
    await client.query('SELECT pg_advisory_xact_lock($1)', [PRISMA_LOCK])
    await client.query(CREATE_TABLE)
    const migration = nextPending(migrations, await appliedRows(client))
    if (migration) await apply(client, migration)
    await client.query('COMMIT')
    return migration?.name
  } finally {
    // Closed rather than given back: that rolls back what failed, and drops what a migration's SET may have left.
    client.release(true)
  }
}

async function apply(client: pg.PoolClient, { name, sql }: Migration): Promise<void> {
  const id = randomUUID()
  await client.query(
    `INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at) VALUES ($1, $2, $3, clock_timestamp())`,
    [id, sha256(sql), name],
  )
  try {
    await client.query(sql)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`Migration ${name} failed, and nothing of it was kept: ${reason}`, { cause })
  }
  await client.query(
    'UPDATE _prisma_migrations SET finished_at = clock_timestamp(), applied_steps_count = 1 WHERE id = $1',
    [id],
  )
}

/** The first migration that is not applied, once everything that is applied has been found in order. */
function nextPending(migrations: Migration[], rows: AppliedRow[]): Migration | undefined {
  const known = new Map(migrations.map(migration => [migration.name, migration]))
  for (const row of rows) assertSound(row, known.get(row.migration_name))
  const applied = new Set(rows.map(row => row.migration_name))
  return migrations.find(({ name }) => !applied.has(name))
}

function assertSound(row: AppliedRow, migration: Migration | undefined): void {
  const name = row.migration_name
  if (!migration) {
    throw new Error(
      `The database has the migration ${name}, which this version of Authograph does not know. ` +
        'Start the version that applied it, or a newer one, or restore a backup from before it.',
    )
  }
  if (!isFinished(row)) {
    throw new Error(
      `Migration ${name} was started by "prisma migrate" and did not finish: see "prisma migrate resolve".`,
    )
  }
  if (!checksums(migration.sql).includes(row.checksum)) {
    throw new Error(
      `Migration ${name} was changed after it was applied to this database. ` +
        'Restore prisma/migrations as released, and make the change in a new migration.',
    )
  }
}

function isFinished(row: AppliedRow): boolean {
  return row.finished_at !== null
}

async function appliedRows(database: pg.Pool | pg.PoolClient): Promise<AppliedRow[]> {
  try {
    const result = await database.query<AppliedRow>(
      `SELECT migration_name, checksum, finished_at FROM _prisma_migrations
       WHERE rolled_back_at IS NULL ORDER BY started_at`,
    )
    return result.rows
  } catch (error) {
    const UNDEFINED_TABLE = '42P01'
    if (error instanceof pg.DatabaseError && error.code === UNDEFINED_TABLE) return []
    throw error
  }
}

async function readMigrations(folder: string): Promise<Migration[]> {
  const names = await migrationNames(folder)
  const read = async (name: string) => ({
    name,
    sql: await readFile(join(folder, name, 'migration.sql'), 'utf8'),
  })
  return Promise.all(names.map(read))
}

async function migrationNames(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  return entries
    .filter(entry => entry.isDirectory())
    .map(entry => entry.name)
    .sort()
}

// Like Prisma, take a file whose line ends git has converted for the same file.
function checksums(sql: string): string[] {
  const unix = sql.replaceAll('\r\n', '\n')
  return [sha256(sql), sha256(unix), sha256(unix.replaceAll('\n', '\r\n'))]
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
