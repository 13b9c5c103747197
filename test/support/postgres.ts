import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { migrate } from '../../src/database/migrate.ts'

export type TestDatabase = { url: string; drop(): Promise<void> }

/**
 * Creates a migrated, empty database for one test or one test file, on the server of this run. It is copied from a
 * template, which takes some tens of milliseconds in memory. Workers can call this at the same time. `drop` closes any remaining
 * connections.
 */
export async function createDatabase(): Promise<TestDatabase> {
  const template = process.env.AUTHOGRAPH_TEST_TEMPLATE
  if (!template)
    throw new Error('There is no template database: run the tests with jest (test/support/global-setup.ts).')
  return create(server(), `TEMPLATE ${template} STRATEGY ${STRATEGY}`)
}

/** A database without tables, for tests of the migrations themselves. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  return create(server(), 'TEMPLATE template0')
}

/** Creates the migrated template that `createDatabase` copies, and returns its name. For global-setup.ts. */
export async function createTemplate(serverUrl: string): Promise<string> {
  const name = newName('template')
  await execute(serverUrl, `CREATE DATABASE ${name} TEMPLATE template0`)
  const pool = new pg.Pool({ connectionString: urlOf(serverUrl, name) })
  await migrate(pool).finally(() => pool.end())
  // A template cannot be copied while a client is connected to it.
  await execute(serverUrl, `ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS false`)
  return name
}

/** Drops the template. For global-setup.ts. */
export async function dropTemplate(serverUrl: string, name: string): Promise<void> {
  await execute(serverUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
}

// FILE_COPY forces checkpoints, which cost little without fsync: in memory, 20 ms a database, where WAL_LOG takes 30.
const STRATEGY = 'FILE_COPY'

async function create(serverUrl: string, options: string): Promise<TestDatabase> {
  const name = newName('db')
  await execute(serverUrl, `CREATE DATABASE ${name} ${options}`)
  return {
    url: urlOf(serverUrl, name),
    drop: () => execute(serverUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  }
}

function server(): string {
  const url = process.env.AUTHOGRAPH_TEST_SERVER
  if (!url)
    throw new Error('There is no test server: run the tests with jest (test/support/global-setup.ts).')
  return url
}

async function execute(serverUrl: string, sql: string): Promise<void> {
  const client = new pg.Client(serverUrl)
  await client.connect()
  await client.query(sql).finally(() => client.end())
}

function urlOf(serverUrl: string, database: string): string {
  const url = new URL(serverUrl)
  url.pathname = `/${database}`
  return url.href
}

function newName(kind: string): string {
  return `authograph_${kind}_${randomBytes(6).toString('hex')}`
}
