import { createHash } from 'node:crypto'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import pg from 'pg'
import { migrate, pendingMigrations } from '../../src/database/migrate.ts'
import { type MigrationsAtHand, migrationsAtHand } from '../support/migrations.ts'
import { createDatabase } from '../support/postgres.ts'

const ONE = '20260101000000_one'
const TWO = '20260102000000_two'

let atHand: MigrationsAtHand
let pool: pg.Pool
let folder: string

beforeEach(async () => {
  atHand = await migrationsAtHand()
  ;({ pool, folder } = atHand)
  await writeFile(join(folder, 'migration_lock.toml'), 'provider = "postgresql"')
  await atHand.write(ONE, 'CREATE TABLE one (id INT);')
})

afterEach(async () => {
  await atHand.release()
})

async function tables(): Promise<string[]> {
  const result = await pool.query<{ name: string }>(
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE '\\_%' ORDER BY 1`,
  )
  return result.rows.map(row => row.name)
}

async function records(): Promise<Record<string, unknown>[]> {
  return (await pool.query('SELECT * FROM _prisma_migrations ORDER BY started_at')).rows
}

test('an empty database gets every migration, in order, and a second run applies nothing', async () => {
  await atHand.write(TWO, 'ALTER TABLE one ADD COLUMN more TEXT;')
  expect(await migrate(pool, folder)).toEqual([ONE, TWO])
  expect(await migrate(pool, folder)).toEqual([])
  expect(await tables()).toEqual(['one'])
})

test("the project's migrations apply to an empty database and match the template's", async () => {
  const names = await migrate(pool)
  expect(names).toContain('20261121000000_start')
  const copy = await createDatabase()
  const copied = new pg.Pool({ connectionString: copy.url })
  expect(await pendingMigrations(copied)).toEqual([])
  await copied.end()
  await copy.drop()
})

test('a migration is recorded as prisma migrate deploy would', async () => {
  await migrate(pool, folder)
  const sql = await readFile(join(folder, ONE, 'migration.sql'))
  const [record] = await records()
  expect(record).toEqual({
    id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    checksum: createHash('sha256').update(sql).digest('hex'),
    finished_at: expect.any(Date),
    migration_name: ONE,
    logs: null,
    rolled_back_at: null,
    started_at: expect.any(Date),
    applied_steps_count: 1,
  })
})

test('replicas that start at the same time apply each migration once', async () => {
  await atHand.write(TWO, 'SELECT pg_sleep(0.1); CREATE TABLE two (id INT);')
  const pools = Array.from({ length: 5 }, atHand.newPool)
  const applied = await Promise.all(pools.map(each => migrate(each, folder)))
  expect(applied.flat().sort()).toEqual([ONE, TWO])
  expect(await records()).toHaveLength(2)
  await Promise.all(pools.map(each => each.end()))
})

test('a failed migration is rolled back, leaves the earlier ones applied, and can be repaired', async () => {
  await atHand.write(TWO, 'CREATE TABLE two (id INT); SELECT 1 / 0;')
  await expect(migrate(pool, folder)).rejects.toThrow(`Migration ${TWO} failed and was rolled back`)
  expect(await tables()).toEqual(['one'])
  expect(await records()).toHaveLength(1)
  await atHand.write(TWO, 'CREATE TABLE two (id INT);')
  expect(await migrate(pool, folder)).toEqual([TWO])
})

test('a migration whose process is killed is rolled back, and the next process starts it again', async () => {
  await atHand.write(TWO, 'CREATE TABLE two (id INT); SELECT pg_sleep(20);')
  const killed = migrate(pool, folder).catch((error: unknown) => error)
  await untilSleeping()
  await pool.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()`,
  )
  expect(await killed).toBeInstanceOf(Error)
  expect(await tables()).toEqual(['one'])
  expect(await pendingMigrations(pool, folder)).toEqual([TWO])
  await atHand.write(TWO, 'CREATE TABLE two (id INT);')
  expect(await migrate(pool, folder)).toEqual([TWO])
})

async function untilSleeping(): Promise<void> {
  for (;;) {
    const found = await pool.query(
      `SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()`,
    )
    if (found.rowCount === 1) return
  }
}

test('a migration that takes longer than the statement timeout of the pool still applies', async () => {
  await atHand.write(TWO, 'SELECT pg_sleep(0.3);')
  const impatient = new pg.Pool({ connectionString: atHand.url, statement_timeout: 100 })
  expect(await migrate(impatient, folder)).toEqual([ONE, TWO])
  await impatient.end()
})

test('session settings of a migration do not reach the pool', async () => {
  await atHand.write(TWO, "SET application_name = 'left behind';")
  const single = new pg.Pool({ connectionString: atHand.url, max: 1 })
  await migrate(single, folder)
  const shown = await single.query<{ application_name: string }>('SHOW application_name')
  expect(shown.rows[0]?.application_name).not.toBe('left behind')
  await single.end()
})

test('a migration changed after it was applied is refused', async () => {
  await migrate(pool, folder)
  await atHand.write(ONE, 'CREATE TABLE other (id INT);')
  await expect(migrate(pool, folder)).rejects.toThrow(`Migration ${ONE} was changed after it was applied`)
})

test('a migration whose line endings Git has converted counts as unchanged', async () => {
  await atHand.write(ONE, 'CREATE TABLE one (\n id INT\n);\n')
  await migrate(pool, folder)
  await atHand.write(ONE, 'CREATE TABLE one (\r\n id INT\r\n);\r\n')
  expect(await migrate(pool, folder)).toEqual([])
})

test('a database newer than this version is refused at start, but a running replica stays ready', async () => {
  await atHand.write(TWO, 'CREATE TABLE two (id INT);')
  await migrate(pool, folder)
  await rm(join(folder, TWO), { recursive: true })
  await expect(migrate(pool, folder)).rejects.toThrow(
    `the migration ${TWO}, which this version of Authograph does not know`,
  )
  expect(await pendingMigrations(pool, folder)).toEqual([])
})

test('a migration that Prisma left unfinished is refused and pending, and one that it rolled back is applied', async () => {
  await migrate(pool, folder)
  await pool.query('DROP TABLE one; UPDATE _prisma_migrations SET finished_at = NULL')
  await expect(migrate(pool, folder)).rejects.toThrow('did not finish')
  expect(await pendingMigrations(pool, folder)).toEqual([ONE])
  await pool.query('UPDATE _prisma_migrations SET rolled_back_at = now()')
  expect(await migrate(pool, folder)).toEqual([ONE])
})

test('on an empty database, all migrations are pending, and the check changes nothing', async () => {
  const names = (await readdir(folder)).filter(name => !name.endsWith('.toml'))
  expect(await pendingMigrations(pool, folder)).toEqual(names)
  expect((await pool.query('SELECT 1 FROM pg_tables WHERE schemaname = $1', ['public'])).rowCount).toBe(0)
})
