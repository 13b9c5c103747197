import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import type { AppliedRow } from './applied-migrations.ts'
import { checksum, concurrentIndex, type Migration } from './migrations.ts'
import { isShared } from './pooler.ts'

/** Shorter than a request's statement timeout, so that requests queued behind a migration still succeed. */
const LOCK_TIMEOUT_MS = 500

// The same table that Prisma's schema engine creates.
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

/** Applies and records a migration in the client's open transaction. */
export async function applyInTransaction(client: pg.PoolClient, migration: Migration): Promise<void> {
  const { name, sql } = migration
  await client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`)
  const id = await recordStart(client, migration)
  await client.query(sql).catch((cause: unknown) => {
    throw new Error(`Migration ${name} failed and was rolled back: ${reason(cause)}`, { cause })
  })
  await recordEnd(client, id, 1)
}

/**
 * Applies and records a migration statement by statement on its own connection. The caller holds the lock that
 * replicas share, on another connection. `begun` is the record of an interrupted attempt.
 */
export async function applyOutsideTransaction(
  pool: pg.Pool,
  migration: Migration,
  statements: string[],
  begun: AppliedRow | undefined,
  aborted: AbortSignal | undefined,
): Promise<void> {
  const client = await pool.connect()
  const stopWatching = breakOnAbort(client, aborted)
  try {
    // On a connection that a pooler shares, settings would stay for its other clients.
    if (!isShared(client)) await client.query('SET statement_timeout = 0')
    const id = begun?.id ?? (await recordStart(client, migration))
    // The file may have been repaired since the interrupted attempt.
    await client.query('UPDATE _prisma_migrations SET checksum = $2 WHERE id = $1', [
      id,
      checksum(migration.sql),
    ])
    for (const statement of statements) {
      await execute(client, statement).catch((cause: unknown) => {
        const what = `Migration ${migration.name} failed. The next start repeats it: ${reason(cause)}`
        throw new Error(what, { cause })
      })
    }
    await recordEnd(client, id, statements.length)
  } finally {
    stopWatching()
    client.release(true)
  }
}

/** Breaks the client's connection on abort, so that its pending statement fails. Returns a function that stops watching. */
export function breakOnAbort(client: pg.PoolClient, aborted: AbortSignal | undefined): () => void {
  const end = () => (client as unknown as pg.Client).connection.stream.destroy()
  // The failing statement reports the error. Without a listener, it would also end the process.
  client.on('error', () => {})
  aborted?.addEventListener('abort', end)
  return () => aborted?.removeEventListener('abort', end)
}

async function execute(client: pg.PoolClient, statement: string): Promise<void> {
  const concurrent = /\bCONCURRENTLY\b/i.test(statement)
  // Others neither wait for them nor behind them. Autovacuum, which may hold the table, gives way after a second.
  const patient = concurrent || /^ALTER TABLE \S+ VALIDATE CONSTRAINT \S+$/i.test(statement)
  const limit = `lock_timeout = ${patient ? 0 : LOCK_TIMEOUT_MS}`
  if (!isShared(client)) {
    await client.query(`SET ${limit}`)
  } else if (!concurrent) {
    await client.query(`BEGIN; SET LOCAL ${limit}; SET LOCAL statement_timeout = 0`)
    await client.query(statement)
    await client.query('COMMIT')
    return
  }
  const index = concurrentIndex(statement)
  if (index) {
    const invalid = await client.query(
      `SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(quote_ident($1)) AND NOT indisvalid`,
      [index],
    )
    if (invalid.rowCount) await client.query(`DROP INDEX CONCURRENTLY IF EXISTS "${index}"`)
  }
  await client.query(statement)
}

async function recordStart(client: pg.PoolClient, { name, sql }: Migration): Promise<string> {
  await client.query(CREATE_TABLE)
  const id = randomUUID()
  await client.query(
    `INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at) VALUES ($1, $2, $3, clock_timestamp())`,
    [id, checksum(sql), name],
  )
  return id
}

async function recordEnd(client: pg.PoolClient, id: string, steps: number): Promise<void> {
  await client.query(
    'UPDATE _prisma_migrations SET finished_at = clock_timestamp(), applied_steps_count = $2 WHERE id = $1',
    [id, steps],
  )
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
