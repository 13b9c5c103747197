import { execFile } from 'node:child_process'
import { statfs } from 'node:fs/promises'
import { totalmem } from 'node:os'
import { promisify } from 'node:util'
import argon2 from 'argon2'
import pg from 'pg'
import type { Config } from '../../src/config.ts'
import type { EmbeddedDatabase } from '../../src/database/embedded/start.ts'
import { generate } from './generate.ts'
import type { Service } from './processes.ts'
import { PASSWORD } from './requests.ts'

const MIB = 2 ** 20
const GIB = 2 ** 30
/** For the log of what the measurements write, sorting, and other programs. */
const RESERVE_BYTES = 10 * GIB
const SMALL = 1000
/** Enough accounts to tell how many bytes each of them takes. */
const PROBE = 50_000
const EVENTS_EACH = 10
/** Numbers of accounts are rounded down to a multiple of it. */
const STEP = 100_000

/** Where databases are made. */
export type Place = {
  database: EmbeddedDatabase
  start: (databaseUrl: string) => Promise<Service>
  hashing: Config['hashing']
}

/** For a database that only creates: what is lost in a power failure is created again. */
export function creationSettings(): Record<string, string> {
  const share = `${Math.max(128, Math.round(totalmem() / 16 / MIB))}MB`
  return {
    wal_level: 'minimal',
    max_wal_senders: '0',
    max_wal_size: '4GB',
    checkpoint_timeout: '1h',
    fsync: 'off',
    full_page_writes: 'off',
    autovacuum: 'off',
    shared_buffers: share,
    maintenance_work_mem: share,
  }
}

/**
 * Creates 1,000 accounts, and as many of `asked` as the disk has room for, each with ten events, in databases of their own,
 * and returns how many. Goes on with what the data folder already has.
 */
export async function createForScale(place: Place, asked: number): Promise<number> {
  await createWorld(place, SMALL, EVENTS_EACH)
  const begun = (await sizesIn(place.database)).filter(size => size > SMALL && size !== PROBE)
  const size = begun.length > 0 ? Math.max(...begun) : Math.min(asked, await roomOf(place))
  say(`Continues with ${size.toLocaleString('en')} accounts.`)
  await createWorld(place, size, EVENTS_EACH)
  return size
}

/** How many accounts the disk has room for, with their sessions and events. */
async function roomOf(place: Place): Promise<number> {
  const bytes = async (size: number) => {
    const url = await createWorld(place, size, EVENTS_EACH)
    const { rows } = await once<{ bytes: string }>(
      url,
      'SELECT pg_database_size(current_database()) AS bytes',
    )
    return Number(rows[0]?.bytes)
  }
  const each = ((await bytes(PROBE)) - (await bytes(SMALL))) / (PROBE - SMALL)
  await administer(place.database, `DROP DATABASE ${nameOf(PROBE)}`)
  const { bavail, bsize } = await statfs(place.database.dir)
  const room = Math.floor((bavail * bsize - RESERVE_BYTES) / each / STEP) * STEP
  say(
    `An account with its sessions and events takes ${(each / 1000).toFixed(1)} kB. With ${RESERVE_BYTES / GIB} GiB left free, ` +
      `the disk has room for ${room.toLocaleString('en')} accounts.`,
  )
  return room
}

/** Creates a database with this number of accounts unless it is there already, and returns its connection string. */
export async function createWorld(
  { database, start, hashing }: Place,
  size: number,
  eventsEach: number,
): Promise<string> {
  const name = nameOf(size)
  if ((await namesIn(database)).includes(name)) return database.url(name)
  const unfinished = `${name}${UNFINISHED}`
  const url = await database.ensureDatabase(unfinished)
  // Migrated by the service, which then must not index what is made, one batch after the other.
  await (await start(url)).stop()
  const { memoryKib, timeCost, parallelism } = hashing
  const passwordHash = await argon2.hash(PASSWORD, { memoryCost: memoryKib, timeCost, parallelism })
  await generate(url, { accounts: size, eventsEach, passwordHash })
  await administer(database, `ALTER DATABASE ${unfinished} RENAME TO ${name}`)
  return database.url(name)
}

/** So that the system does not write it while something is measured. */
export async function writeToDisk(): Promise<void> {
  await promisify(execFile)('sync').catch(() => {})
}

const UNFINISHED = '_unfinished'
const nameOf = (size: number) => `scale_${size}`

async function sizesIn(database: EmbeddedDatabase): Promise<number[]> {
  return (await namesIn(database)).map(name => Number(name.replace('scale_', '').replace(UNFINISHED, '')))
}

async function namesIn(database: EmbeddedDatabase): Promise<string[]> {
  const { rows } = await administer<{ datname: string }>(
    database,
    String.raw`SELECT datname FROM pg_database WHERE datname LIKE 'scale\_%'`,
  )
  return rows.map(({ datname }) => datname)
}

function administer<Row extends pg.QueryResultRow>(database: EmbeddedDatabase, sql: string) {
  return once<Row>(database.url('postgres'), sql)
}

async function once<Row extends pg.QueryResultRow>(url: string, sql: string): Promise<pg.QueryResult<Row>> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return client.query<Row>(sql).finally(() => client.end())
}

function say(what: string): void {
  process.stderr.write(`${what}\n`)
}
