// For the decorators of the cursor types.
import 'reflect-metadata'
import argon2 from 'argon2'
import pg from 'pg'
import type { Config } from '../../src/config.ts'
import type { EmbeddedDatabase } from '../../src/database/embedded/start.ts'
import { cursorOf } from '../../src/pagination.ts'
import { type Cores, pin } from './cores.ts'
import { load } from './load.ts'
import type { Service } from './processes.ts'
import { type Account, events, login, PASSWORD, refresh, register, users } from './requests.ts'
import { inTurns, milliseconds } from './stages.ts'
import { median, type Row, ratioRow } from './table.ts'

/** Where it happens; `start` starts the service on a database. */
export type Scene = {
  database: EmbeddedDatabase
  start: (databaseUrl: string) => Promise<Service>
  cores: Cores | undefined
  hashing: Config['hashing']
}

const SIZES = [1000, 100_000, 1_000_000] as const
const SESSIONS_EACH = 3
const ROUND_MS = 500
const CONNECTIONS = 32
const HASHING_CONNECTIONS = 16

/** A service on a database with this number of accounts. */
type World = {
  size: number
  service: Service
  admin: Account
  deep: Record<'account' | 'event', string>
  holders: Account[]
}

/** What must not grow with the number of accounts: pages of `users` and `auditLog`, searches, sign-ins and refreshes. */
export async function scale(scene: Scene): Promise<Row[]> {
  const worlds: World[] = []
  for (const size of SIZES) worlds.push(await makeWorld(scene, size))
  return [...(await lists(scene, worlds)), ...(await sessions(scene, worlds))]
}

async function makeWorld({ database, start, hashing }: Scene, size: number): Promise<World> {
  const url = await database.ensureDatabase(`scale_${size}`)
  // Migrated by the service, which then must not index what is made, one batch after the other.
  await (await start(url)).stop()
  const pool = new pg.Pool({ connectionString: url, max: 1 })
  const { memoryKib, timeCost, parallelism } = hashing
  const passwordHash = await argon2.hash(PASSWORD, { memoryCost: memoryKib, timeCost, parallelism })
  await generate(pool, size, passwordHash)
  const service = await start(url)
  const admin = (await newAccounts(service.port, 1))[0] as Account
  await pool.query(`INSERT INTO user_roles SELECT id, 'admin' FROM users WHERE email = $1`, [admin.email])
  const { rows } = await pool.query<{ created_at: Date; id: string }>(
    `SELECT created_at, id FROM users WHERE username = $1`,
    [`user${size / 2}`],
  )
  const { rows: eventRows } = await pool.query<{ at: Date; id: string }>(
    'SELECT at, id FROM audit_events ORDER BY at DESC, id DESC OFFSET $1 LIMIT 1',
    [size / 2],
  )
  await pool.end()
  const [middle] = rows
  const [event] = eventRows
  const deep = {
    account: cursorOf(['CREATED_AT DESC', middle?.created_at.toISOString() ?? '', middle?.id ?? '']),
    event: cursorOf([event?.at.toISOString() ?? '', event?.id ?? '']),
  }
  return { size, service, admin, deep, holders: await newAccounts(service.port, CONNECTIONS) }
}

const nameOf = (number: number | string) => `ada.lovelace.${number}@example.com`

/** Accounts, roles, sessions and an event each, as they would have come to be one by one, with what is indexed later. */
async function generate(pool: pg.Pool, size: number, passwordHash: string): Promise<void> {
  const { rows } = await pool.query<[string]>({
    text: `SELECT pg_get_indexdef('user_search_pieces_idx'::regclass)`,
    rowMode: 'array',
  })
  await pool.query('SET synchronous_commit = off')
  await pool.query(
    `INSERT INTO users (id, email, email_canonical, email_verified_at, username, display_name, password_hash,
       password_changed_at, last_login_at, created_at, updated_at)
     SELECT gen_random_uuid(), email, email, at, 'user' || i,
       (ARRAY['Ada', 'Grace', '김민수', 'Edsger', '이서연'])[1 + i % 5] || ' ' || initcap(substr(md5(i::text), 1, 7)),
       $2, at, at, at, at
     FROM (SELECT i, 'ada.lovelace.' || i || '@example.com' AS email,
             now() - ($1::int - i) * interval '30 seconds' AS at FROM generate_series(1, $1::int) i) made`,
    [size, passwordHash],
  )
  await pool.query(`INSERT INTO user_roles SELECT id, 'user' FROM users`)
  await pool.query(
    `INSERT INTO sessions (id, user_id, salt, created_at, last_used_at, authenticated_at, expires_at,
       absolute_expires_at, idle_ttl_seconds, remembered, device_name)
     SELECT gen_random_uuid(), u.id, decode(md5(u.id::text), 'hex'), u.created_at, now(), u.created_at,
       now() + interval '30 days', now() + interval '90 days', 2592000, true, 'Firefox on Linux'
     FROM users u, generate_series(1, ${SESSIONS_EACH})`,
  )
  await pool.query(
    `INSERT INTO audit_events (id, at, action, actor_id, subject_id, ip_address, detail)
     SELECT gen_random_uuid(), created_at, CASE WHEN username LIKE '%7' THEN 'session.denied' ELSE 'session.started' END,
       id, id, '203.0.113.7', '{}' FROM users ORDER BY created_at`,
  )
  await pool.query('DROP INDEX user_search_pieces_idx')
  await pool.query(
    'INSERT INTO user_search SELECT id, searched_text(email, username, display_name) FROM users ON CONFLICT DO NOTHING',
  )
  await pool.query('TRUNCATE user_search_queue')
  await pool.query(rows[0]?.[0] ?? '')
  // As autovacuum does in a while, and a checkpoint, so that none falls into a measurement.
  await pool.query('VACUUM ANALYZE')
  await pool.query('CHECKPOINT')
}

async function newAccounts(port: number, count: number): Promise<Account[]> {
  const accounts: Account[] = []
  const enough = new AbortController()
  const made = register(account => {
    if (accounts.push(account) === count) enough.abort()
  })
  await load(port, 1, made, enough.signal)
  return accounts
}

/** How long a page takes, one request after the other. */
async function lists({ cores }: Scene, worlds: World[]): Promise<Row[]> {
  for (const { service } of worlds) await pin(service.pid, cores?.serving)
  const pages: Record<string, (world: World) => ReturnType<typeof users>> = {
    'users, first page': ({ admin }) => users(admin, {}),
    'users, from the middle on': ({ admin, deep }) => users(admin, { after: deep.account }),
    'users, with totalCount': ({ admin }) => users(admin, {}, true),
    'users, search for what one has': ({ admin, size }) =>
      users(admin, { filter: { search: `lovelace.${size / 2 + 7}@` } }),
    'users, search for text that all have': ({ admin }) => users(admin, { filter: { search: 'example' } }),
    'users, search for text that all have, with a role that no one has': ({ admin }) =>
      users(admin, { filter: { search: 'example', role: 'support' } }),
    'users, search for two syllables': ({ admin }) => users(admin, { filter: { search: '민수' } }),
    'auditLog of an action, from the middle on': ({ admin, deep }) =>
      events(admin, { filter: { action: 'session.denied' }, after: deep.event }),
  }
  const rows: Row[] = []
  for (const [what, page] of Object.entries(pages)) {
    const times = await inTurns(
      byWorld(worlds, async world => {
        const signal = AbortSignal.timeout(ROUND_MS)
        return median((await load(world.service.port, 1, page(world), signal)).latenciesMs)
      }),
    )
    rows.push(...against(what, worlds, times, 2))
  }
  return rows
}

/** The time of a sign-in and of a refresh, with as many concurrent requests as connections. */
async function sessions({ cores }: Scene, worlds: World[]): Promise<Row[]> {
  const [small, , large] = worlds
  const ends = [small, large].filter(world => world !== undefined)
  const costMs = (world: World, connections: number, source: ReturnType<typeof users>) =>
    load(world.service.port, connections, source, AbortSignal.timeout(2 * ROUND_MS)).then(
      ({ rate }) => 1000 / rate,
    )
  const refreshes = await inTurns(byWorld(ends, world => costMs(world, CONNECTIONS, refresh(world.holders))))
  for (const { service } of ends) await pin(service.pid, cores?.all)
  const logins = await inTurns(
    byWorld(ends, world => costMs(world, HASHING_CONNECTIONS, login(someOf(world.size)))),
  )
  return [...against('refreshToken', ends, refreshes, 1.2), ...against('login', ends, logins, 1.2)]
}

/** Accounts from all over the table. */
function someOf(size: number): Account[] {
  return Array.from({ length: 1000 }, () => {
    const number = 1 + Math.floor(Math.random() * size)
    return { email: nameOf(number), accessToken: '', refreshToken: '' }
  })
}

function byWorld(worlds: World[], task: (world: World) => Promise<number>) {
  return Object.fromEntries(worlds.map(world => [String(world.size), () => task(world)]))
}

/** The larger worlds against the smallest. */
function against(what: string, worlds: World[], times: Record<string, number[]>, atMost: number): Row[] {
  const [small, ...larger] = worlds.map(({ size }) => size)
  const named = (size = 0) => size.toLocaleString('en')
  return larger.map(size =>
    ratioRow(
      `${what}, ${named(size)} accounts`,
      times[size] ?? [],
      named(small),
      times[small ?? 0] ?? [],
      milliseconds,
      { atMost },
    ),
  )
}
