// For the decorators of the cursor types.
import 'reflect-metadata'
import pg from 'pg'
import { cursorOf } from '../../src/pagination.ts'
import { type Cores, pin } from './cores.ts'
import { nameOf } from './generate.ts'
import { load } from './load.ts'
import type { Service } from './processes.ts'
import { measureProcessors } from './processor-time.ts'
import { type Account, events, login, makeAccounts, me, refresh, users } from './requests.ts'
import { createWorld, type Place } from './scale-data.ts'
import { inTurns, milliseconds } from './stages.ts'
import { median, type Row, ratioRow } from './table.ts'

/** Where it happens. */
export type Scene = Place & {
  cores: Cores | undefined
  /** What is stopped at the end, in reverse order. */
  leftovers: (() => Promise<unknown>)[]
}

const SIZES = [1000, 100_000, 1_000_000]
const ROUND_MS = 500
const CONNECTIONS = 32
const HASHING_CONNECTIONS = 16

/** A service on a database with this number of accounts. */
type World = {
  size: number
  service: Service
  /** Of its database, which no other service uses. */
  pool: pg.Pool
  admin: Account
  /** Cursors in the middle of the lists, and the account there. */
  deep: Record<'account' | 'event' | 'subjectId', string>
  holders: Account[]
}

/**
 * What must not grow with the number of accounts: pages of `users` and `auditLog`, searches, sign-ins, refreshes and `me`.
 * Each account has three sessions and one event, or with `largest`, ten events.
 */
export async function scale(scene: Scene, largest?: number): Promise<Row[]> {
  const worlds: World[] = []
  const [smallest = 1000] = SIZES
  for (const size of largest ? [smallest, largest] : SIZES)
    worlds.push(await openWorld(scene, size, largest ? 10 : 1))
  const rows = [...(await lists(scene, worlds)), ...(await sessions(scene, worlds))]
  for (const { pool } of worlds) await pool.end()
  return rows
}

async function openWorld(scene: Scene, size: number, eventsEach: number): Promise<World> {
  const url = await createWorld(scene, size, eventsEach)
  const pool = new pg.Pool({ connectionString: url, max: 1 })
  const service = await scene.start(url)
  const admin = (await makeAccounts(service.port, 1))[0] as Account
  await pool.query(`INSERT INTO user_roles SELECT id, 'admin' FROM users WHERE email = $1`, [admin.email])
  const { rows } = await pool.query<{ created_at: Date; id: string }>(
    `SELECT created_at, id FROM users WHERE username = $1`,
    [`user${size / 2}`],
  )
  // A year ago is the middle of the events.
  const { rows: eventRows } = await pool.query<{ at: Date; id: string }>(
    `SELECT at, id FROM audit_events WHERE at < now() - interval '1 year' ORDER BY at DESC, id DESC LIMIT 1`,
  )
  const [middle] = rows
  const [event] = eventRows
  const deep = {
    account: cursorOf(['CREATED_AT DESC', middle?.created_at.toISOString() ?? '', middle?.id ?? '']),
    event: cursorOf([event?.at.toISOString() ?? '', event?.id ?? '']),
    subjectId: middle?.id ?? '',
  }
  return { size, service, pool, admin, deep, holders: await makeAccounts(service.port, CONNECTIONS) }
}

/** How long a page takes, one request after the other. */
async function lists({ cores }: Scene, worlds: World[]): Promise<Row[]> {
  for (const { service } of worlds) await pin(service.pid, cores?.serving)
  const pages: Record<string, (world: World) => ReturnType<typeof users>> = {
    'users, first page': ({ admin }) => users(admin, {}),
    'users, from the middle on': ({ admin, deep }) => users(admin, { after: deep.account }),
    'users, with totalCount': ({ admin }) => users(admin, {}, true),
    'users, last page': ({ admin }) => users(admin, { last: 20 }),
    'users, by email': ({ admin }) => users(admin, { orderBy: { field: 'EMAIL', direction: 'ASC' } }),
    'users, by name': ({ admin }) => users(admin, { orderBy: { field: 'NAME', direction: 'ASC' } }),
    'users, by last sign-in': ({ admin }) =>
      users(admin, { orderBy: { field: 'LAST_LOGIN_AT', direction: 'DESC' } }),
    'users, with the role that one has': ({ admin }) => users(admin, { filter: { role: 'admin' } }),
    'users, disabled ones, of which there are none': ({ admin }) =>
      users(admin, { filter: { disabled: true } }),
    'users, search for what one has': ({ admin, size }) =>
      users(admin, { filter: { search: `lovelace.${size / 2 + 7}@` } }),
    'users, search for text that all have': ({ admin }) => users(admin, { filter: { search: 'example' } }),
    'users, search for text that all have, with a role that no one has': ({ admin }) =>
      users(admin, { filter: { search: 'example', role: 'support' } }),
    'users, search for two syllables': ({ admin }) => users(admin, { filter: { search: '민수' } }),
    'auditLog, first page': ({ admin }) => events(admin, {}),
    'auditLog, from the middle on': ({ admin, deep }) => events(admin, { after: deep.event }),
    'auditLog, with totalCount': ({ admin }) => events(admin, {}, true),
    'auditLog of an account': ({ admin, deep }) => events(admin, { filter: { subjectId: deep.subjectId } }),
    'auditLog of what an account did': ({ admin, deep }) =>
      events(admin, { filter: { actorId: deep.subjectId } }),
    'auditLog of an address': ({ admin }) => events(admin, { filter: { ipAddress: '203.0.113.7' } }),
    'auditLog of an action, with totalCount': ({ admin }) =>
      events(admin, { filter: { action: 'session.denied' } }, true),
    'auditLog of an action that never happened': ({ admin }) =>
      events(admin, { filter: { action: 'user.imported' } }),
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

/**
 * The processor time of a sign-in, a refresh and `me`, of the server and of PostgreSQL for it: what else runs on the machine
 * changes it little.
 */
async function sessions({ cores }: Scene, worlds: World[]): Promise<Row[]> {
  const ends = [worlds.at(0), worlds.at(-1)].filter(world => world !== undefined)
  const costMs = async (world: World, connections: number, source: ReturnType<typeof users>) => {
    const spent = await measureProcessors(world.service.pid, world.pool)
    const { latenciesMs } = await load(
      world.service.port,
      connections,
      source,
      AbortSignal.timeout(2 * ROUND_MS),
    )
    return (await spent()) / latenciesMs.length
  }
  const sources = new Map(
    ends.map(world => [world, { refresh: refresh(world.holders), me: me([world.admin]) }]),
  )
  const of = (world: World) => sources.get(world) ?? { refresh: refresh([]), me: me([]) }
  const mes = await inTurns(byWorld(ends, world => costMs(world, CONNECTIONS, of(world).me)))
  const refreshes = await inTurns(byWorld(ends, world => costMs(world, CONNECTIONS, of(world).refresh)))
  for (const { service } of ends) await pin(service.pid, cores?.all)
  const logins = await inTurns(
    byWorld(ends, world => costMs(world, HASHING_CONNECTIONS, login(someOf(world.size)))),
  )
  return [
    ...against('me, processor time', ends, mes, 1.2),
    ...against('refreshToken, processor time', ends, refreshes, 1.2),
    ...against('login, processor time', ends, logins, 1.2),
  ]
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
