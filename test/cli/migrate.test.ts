import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import pg from 'pg'
import { build, runCli } from '../support/cli.ts'
import { createEmptyDatabase, type TestDatabase } from '../support/postgres.ts'

const AUTHOGRAPH_SECRET = 'a secret that only the tests may know'

let database: TestDatabase

beforeAll(async () => {
  await build()
  database = await createEmptyDatabase()
}, 120_000)
afterAll(() => database.drop())

const migrate = (settings: Record<string, string> = {}) =>
  runCli(['migrate'], { settings: { DATABASE_URL: database.url, AUTHOGRAPH_SECRET, ...settings } })

test('migrate updates an empty database, even if two processes run at the same time, and lists the migrations that each applied', async () => {
  const runs = await Promise.all([migrate(), migrate()])
  for (const { exitCode, stderr } of runs) expect([exitCode, stderr]).toEqual([0, ''])
  const applied = runs.flatMap(({ stdout }) =>
    [...stdout.matchAll(/^ {2}(\d{14}_\w+)$/gm)].map(([, name]) => name),
  )
  const folder = new URL('../../prisma/migrations', import.meta.url)
  const all = readdirSync(folder).filter(name => /^\d{14}_/.test(name))
  expect(applied.sort()).toEqual(all.sort())
  for (const { stdout } of runs)
    expect(stdout).toMatch(/^(Applied \d+ migrations?:\n|The database is up to date\.)/)

  const again = { exitCode: 0, stdout: 'The database is up to date. Nothing was applied.\n', stderr: '' }
  expect(await migrate()).toEqual(again)

  const client = new pg.Client(database.url)
  await client.connect()
  const { rows } = await client.query('SELECT name FROM roles ORDER BY name').finally(() => client.end())
  expect(rows).toEqual([{ name: 'admin' }, { name: 'support' }, { name: 'user' }])
})

test('all invalid settings are listed without a stack trace', async () => {
  const { exitCode, stdout, stderr } = await migrate({ PORT: 'http', SANDBOX: 'yes' })
  expect([exitCode, stdout]).toEqual([1, ''])
  expect(stderr).toBe('The settings are invalid:\n  PORT: must be a number\n  SANDBOX: must be on or off\n')
})

test('an unreachable database fails with a clear message', async () => {
  const { exitCode, stdout, stderr } = await migrate({ DATABASE_URL: 'postgresql://127.0.0.1:1/nowhere' })
  expect([exitCode, stdout]).toEqual([1, ''])
  expect(stderr).toContain('ECONNREFUSED')
})
