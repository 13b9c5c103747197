import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import pg from 'pg'
import { migrate, pendingMigrations } from '../../src/database/migrate.ts'
import { type MigrationsAtHand, migrationsAtHand } from '../support/migrations.ts'

const ONE = '20260101000000_one'
const TWO = '20260102000000_two'
const CONCURRENT = '-- authograph: no transaction\n'
/** What a statement of a request may take; see database/pool.ts. */
const STATEMENT_TIMEOUT_MS = 1200

let atHand: MigrationsAtHand
let pool: pg.Pool
let other: pg.Client
let folder: string

beforeEach(async () => {
  atHand = await migrationsAtHand()
  ;({ pool, folder } = atHand)
  other = new pg.Client({ connectionString: atHand.url, application_name: 'pg_dump' })
  await other.connect()
  await atHand.write(ONE, 'CREATE TABLE one (id INT);')
  await migrate(pool, folder)
})

afterEach(async () => {
  await other.end()
  await atHand.release()
})

/** As pg_dump does: a transaction that has read the table and stays open. */
const holdTable = () => other.query('BEGIN; SELECT * FROM one')

async function indexes(): Promise<Record<string, boolean>> {
  const { rows } = await pool.query<{ name: string; valid: boolean }>(
    `SELECT indexrelid::regclass::text AS name, indisvalid AS valid FROM pg_index WHERE indrelid = 'one'::regclass`,
  )
  return Object.fromEntries(rows.map(({ name, valid }) => [name, valid]))
}

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; await sleep(10))
    if (await condition()) return
  throw new Error(`never happened: ${what}`)
}

/** Whether some session of this database waits for a lock within a statement like this. */
async function waits(statement: string): Promise<boolean> {
  const { rowCount } = await pool.query(
    `SELECT 1 FROM pg_stat_activity
     WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE $1`,
    [`${statement}%`],
  )
  return rowCount === 1
}

test('a migration that waits for a table does not block requests, and applies once the table is free', async () => {
  await atHand.write(TWO, 'ALTER TABLE one ADD COLUMN more TEXT;')
  await holdTable()
  const blocked: { migration: string; oldestTransaction: string | undefined }[] = []
  const migrating = migrate(pool, folder, { onBlocked: each => blocked.push(each) })
  const requests = new pg.Pool({ connectionString: atHand.url, statement_timeout: STATEMENT_TIMEOUT_MS })
  // Rejects when a request waits longer than it may.
  while (blocked.length < 2) await requests.query('SELECT id FROM one')
  await requests.end()
  expect(await pendingMigrations(pool, folder)).toEqual([TWO])
  expect(blocked[0]).toMatchObject({
    migration: TWO,
    oldestTransaction: expect.stringMatching(/^pg_dump \(pid \d+\), begun \d+ s ago$/),
  })
  await other.query('COMMIT')
  expect(await migrating).toEqual([TWO])
})

test('a migration that cannot lock its table fails and names the blocking session', async () => {
  await atHand.write(TWO, 'ALTER TABLE one ADD COLUMN more TEXT;')
  await holdTable()
  await expect(migrate(pool, folder, { retryForMs: 1000 })).rejects.toThrow(
    /^Migration 20260102000000_two could not be applied: for 1 s, .* pg_dump \(pid \d+\)/,
  )
  await other.query('COMMIT')
  expect(await migrate(pool, folder)).toEqual([TWO])
})

test('an abort ends the wait for a table and the wait for another replica', async () => {
  await atHand.write(TWO, 'ALTER TABLE one ADD COLUMN more TEXT;')
  await holdTable()
  const abort = new AbortController()
  const second = atHand.newPool()
  const both = [pool, second].map(each => migrate(each, folder, { aborted: abort.signal }))
  await until('one has its turn', () => waits('ALTER TABLE'))
  abort.abort(new Error('SIGTERM'))
  const ended = {
    status: 'rejected',
    reason: expect.objectContaining({ message: expect.stringMatching(/SIGTERM|aborted/) }),
  }
  expect(await Promise.allSettled(both)).toEqual([ended, ended])
  expect(await pendingMigrations(pool, folder)).toEqual([TWO])
  await second.end()
})

test('a migration outside a transaction creates its indexes and is recorded like any other', async () => {
  await atHand.write(
    TWO,
    `${CONCURRENT}-- Two; more would do.
     CREATE INDEX CONCURRENTLY IF NOT EXISTS one_id ON one (id);
     CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS one_unique ON one (id);`,
  )
  expect(await migrate(pool, folder)).toEqual([TWO])
  expect(await indexes()).toEqual({ one_id: true, one_unique: true })
  expect(await migrate(pool, folder)).toEqual([])
  expect(await pendingMigrations(pool, folder)).toEqual([])
})

test('if the creation of an index was interrupted, the next start completes it', async () => {
  await atHand.write(TWO, `${CONCURRENT}CREATE INDEX CONCURRENTLY IF NOT EXISTS one_id ON one (id);`)
  await other.query('BEGIN; INSERT INTO one VALUES (1)')
  const interrupted = migrate(pool, folder).catch((error: unknown) => error)
  await until('the index waits for the open transaction', () => waits('CREATE INDEX'))
  await pool.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX%'`)
  expect(await interrupted).toBeInstanceOf(Error)
  expect(await indexes()).toEqual({ one_id: false })
  expect(await pendingMigrations(pool, folder)).toEqual([TWO])
  await other.query('COMMIT')
  expect(await migrate(pool, folder)).toEqual([TWO])
  expect(await indexes()).toEqual({ one_id: true })
  const records = await pool.query('SELECT finished_at FROM _prisma_migrations WHERE migration_name = $1', [
    TWO,
  ])
  expect(records.rows).toEqual([{ finished_at: expect.any(Date) }])
})

test('replicas that start at the same time create an index once, without a deadlock', async () => {
  await atHand.write(TWO, `${CONCURRENT}CREATE INDEX CONCURRENTLY IF NOT EXISTS one_id ON one (id);`)
  const pools = Array.from({ length: 4 }, atHand.newPool)
  const applied = await Promise.all(pools.map(each => migrate(each, folder)))
  expect(applied.flat()).toEqual([TWO])
  expect(await indexes()).toEqual({ one_id: true })
  await Promise.all(pools.map(each => each.end()))
})

test('requests read and write a table while the creation of its index waits', async () => {
  await atHand.write(TWO, `${CONCURRENT}CREATE INDEX CONCURRENTLY IF NOT EXISTS one_id ON one (id);`)
  await other.query('BEGIN; INSERT INTO one VALUES (1)')
  const migrating = migrate(pool, folder)
  await until('the index waits for the open transaction', () => waits('CREATE INDEX'))
  const requests = new pg.Pool({ connectionString: atHand.url, statement_timeout: STATEMENT_TIMEOUT_MS })
  await requests.query('INSERT INTO one VALUES (2)')
  expect((await requests.query('SELECT id FROM one')).rowCount).toBe(1)
  await requests.end()
  await other.query('COMMIT')
  expect(await migrating).toEqual([TWO])
})

test('the validation of a constraint waits as long as it must, and does not block requests meanwhile', async () => {
  await atHand.write(
    '20260101000001_bound',
    'ALTER TABLE one ADD CONSTRAINT one_bound CHECK (id > 0) NOT VALID;',
  )
  await migrate(pool, folder)
  await atHand.write(TWO, `${CONCURRENT}ALTER TABLE "one" VALIDATE CONSTRAINT "one_bound";`)
  // As VACUUM does.
  await other.query('BEGIN; LOCK TABLE one IN SHARE UPDATE EXCLUSIVE MODE')
  const blocked: string[] = []
  const migrating = migrate(pool, folder, { onBlocked: ({ migration }) => blocked.push(migration) })
  await until('the validation waits', () => waits('ALTER TABLE'))
  const requests = new pg.Pool({ connectionString: atHand.url, statement_timeout: STATEMENT_TIMEOUT_MS })
  await requests.query('INSERT INTO one VALUES (2)')
  expect((await requests.query('SELECT id FROM one')).rowCount).toBe(1)
  await requests.end()
  await until('it has waited longer than other statements may', async () => {
    const { rowCount } = await pool.query(
      `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
         AND query LIKE 'ALTER TABLE%' AND clock_timestamp() > query_start + interval '0.6 seconds'`,
    )
    return rowCount === 1
  })
  await other.query('COMMIT')
  expect(await migrating).toEqual([TWO])
  expect(blocked).toEqual([])
})

test('a failed migration outside a transaction can be repaired', async () => {
  await atHand.write(TWO, `${CONCURRENT}CREATE INDEX CONCURRENTLY IF NOT EXISTS one_id ON one (missing);`)
  await expect(migrate(pool, folder)).rejects.toThrow(`Migration ${TWO} failed. The next start repeats it`)
  await atHand.write(TWO, `${CONCURRENT}CREATE INDEX CONCURRENTLY IF NOT EXISTS one_id ON one (id);`)
  expect(await migrate(pool, folder)).toEqual([TWO])
  expect(await migrate(pool, folder)).toEqual([])
})

test.each([
  ['CREATE INDEX CONCURRENTLY one_id ON one (id);', 'CREATE needs IF NOT EXISTS'],
  ['DROP INDEX CONCURRENTLY one_id;', 'DROP needs IF EXISTS'],
  ['BEGIN;\nSELECT 1;\nCOMMIT;', 'it must not begin or end transactions'],
  ['CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1; $$;', 'it must not define functions'],
])('outside a transaction %j is refused before anything runs', async (sql, why) => {
  await atHand.write(TWO, CONCURRENT + sql)
  await expect(migrate(pool, folder)).rejects.toThrow(`must be repeatable: ${why}.`)
  expect(await indexes()).toEqual({})
})
