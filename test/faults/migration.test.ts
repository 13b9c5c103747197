import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import pg from 'pg'
import { createEmptyDatabase, type TestDatabase } from '../support/postgres.ts'
import { type ServerProcess, startProcess } from '../support/process.ts'

const MIGRATIONS = path.resolve(import.meta.dirname, '../../prisma/migrations')
/** Any key that nothing else uses. */
const GATE = 36_036

let database: TestDatabase
let client: pg.Client

beforeEach(async () => {
  database = await createEmptyDatabase()
  client = new pg.Client(database.url)
  await client.connect()
})
afterEach(async () => {
  await client.end()
  await database.drop()
})

const start = (onSpawn?: (kill: ServerProcess['kill']) => void) =>
  startProcess({ DATABASE_URL: database.url }, onSpawn)

async function column(sql: string): Promise<string[]> {
  const { rows } = await client.query<[string]>({ text: sql, rowMode: 'array' })
  return rows.map(([value]) => value)
}

const tables = () => column(`SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`)
const applied = () => column('SELECT migration_name FROM _prisma_migrations ORDER BY 1')

async function released(): Promise<string[]> {
  const entries = await readdir(MIGRATIONS, { withFileTypes: true })
  const names = entries.filter(entry => entry.isDirectory()).map(({ name }) => name)
  return names.sort()
}

async function expectServing({ url, stderr }: ServerProcess): Promise<void> {
  expect(stderr).toEqual([])
  expect((await fetch(`${url}/readyz`)).status).toBe(200)
}

async function end(...servers: ServerProcess[]): Promise<void> {
  for (const server of servers) server.kill('SIGTERM')
  expect(await Promise.all(servers.map(({ ended }) => ended))).toEqual(servers.map(() => 0))
}

/** Makes every migration stop in its middle, after its table `sessions`, while this connection holds the gate. */
async function closeGate(): Promise<void> {
  await client.query(`
    CREATE FUNCTION pg_temp_gate() RETURNS event_trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE object_identity = 'public.sessions') THEN
        -- Migrations wait for no lock this long; this one stands for work.
        PERFORM set_config('lock_timeout', '0', true);
        PERFORM pg_advisory_xact_lock(${GATE});
      END IF;
    END $$;
    CREATE EVENT TRIGGER gate ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION pg_temp_gate();
    SELECT pg_advisory_lock(${GATE})`)
}

async function openGate(): Promise<void> {
  await client.query(
    `SELECT pg_advisory_unlock(${GATE}); DROP EVENT TRIGGER gate; DROP FUNCTION pg_temp_gate()`,
  )
}

async function untilAtGate(): Promise<void> {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; await sleep(20)) {
    const waiting = await column(
      `SELECT 'waits' FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    )
    if (waiting.length === 1) return
  }
  throw new Error('no migration waits')
}

async function untilTwoAreConnected(): Promise<void> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await sleep(20)) {
    const connected = await column(
      `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'authograph'`,
    )
    if (connected.length >= 2) return
  }
  throw new Error('no second replica is connected')
}

test('a killed migration is rolled back, and the next start completes it', async () => {
  await closeGate()
  const { promise: spawned, resolve } = withResolvers<ServerProcess['kill']>()
  const killed = start(resolve)
  const kill = await spawned
  await untilAtGate()
  kill('SIGKILL')
  expect((await killed).url).toBeUndefined()
  // PostgreSQL notices that the client is gone when it continues.
  await openGate()
  const next = await start()
  await expectServing(next)
  expect(await applied()).toEqual(await released())
  await end(next)
})

test('no part of the killed migration is visible', async () => {
  await closeGate()
  const { promise: spawned, resolve } = withResolvers<ServerProcess['kill']>()
  const killed = start(resolve)
  const kill = await spawned
  await untilAtGate()
  kill('SIGKILL')
  await killed
  expect(await tables()).toEqual([])
  await client.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid()`,
  )
  expect(await tables()).toEqual([])
})

test('a replica that starts while another migrates waits for it, even longer than the statement timeout', async () => {
  await closeGate()
  const both = [start(), start()]
  await untilAtGate()
  await untilTwoAreConnected()
  await sleep(3000)
  expect(await tables()).toEqual([])
  // The trigger stays: dropping it would wait for the migration.
  await client.query(`SELECT pg_advisory_unlock(${GATE})`)
  const servers = await Promise.all(both)
  for (const server of servers) await expectServing(server)
  expect(await applied()).toEqual(await released())
  await end(...servers)
})

test('two replicas that start at the same time migrate once and agree on their keys', async () => {
  const servers = await Promise.all([start(), start()])
  for (const server of servers) await expectServing(server)
  expect(await applied()).toEqual(await released())
  const keys = await Promise.all(
    servers.map(async ({ url }) => (await fetch(`${url}/.well-known/jwks.json`)).json()),
  )
  expect(keys[0]).toEqual(keys[1])
  expect(await column('SELECT kid FROM signing_keys')).toHaveLength(1)
  await end(...servers)
})

function withResolvers<Value>(): { promise: Promise<Value>; resolve: (value: Value) => void } {
  let resolve: (value: Value) => void = () => {}
  const promise = new Promise<Value>(settle => {
    resolve = settle
  })
  return { promise, resolve }
}
