// For the decorators of the types that pruning imports.
import 'reflect-metadata'
import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { loadConfig } from '../../src/config.ts'
import { residentMb, type Settings } from './processes.ts'
import { type Account, makeAccounts, OPERATIONS, PASSWORD, tokensIn } from './requests.ts'
import type { Scene } from './scale.ts'
import { milliseconds } from './stages.ts'
import { median, percentile, type Row, ratioRow, valueRow } from './table.ts'

/** From dist/bench/test/bench: the built server, because the bench's own copy has no migrations beside it. */
const BUILT = new URL('../../../', import.meta.url)
const CLIENTS = 8
const SAMPLE_MS = 5000
const JUNK_SHARE = 0.01
/** Longer than anything is kept. */
const LATER_MS = 500 * 86_400_000
/** What may remain of a new account: its row, its role and its text for searches, each in its table. */
const ROWS_OF_ACCOUNT = 1

type Seen = { atMs: number; ms: number }
type Tally = { answered: Seen[]; registered: number; wrong: string[] }

/**
 * Serves `perSecond` requests of every kind for `minutes`, one in a hundred of them junk. Then deletes what has expired, as
 * the server would do 500 days later. What must hold: memory and p99 are the same in the second and the last third, no
 * answer is a fault of the server, and nothing remains but accounts.
 */
export async function soak(
  { database, start }: Scene,
  settings: Settings,
  minutes: number,
  perSecond: number,
): Promise<Row[]> {
  const DATABASE_URL = await database.ensureDatabase('soak')
  const service = await start(DATABASE_URL)
  const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 1 })
  const before = await rowsOf(pool)
  const accounts = await makeAccounts(service.port, CLIENTS)
  const beganAt = performance.now()
  const endsAt = beganAt + minutes * 60_000
  const memory: { atMs: number; mb: number }[] = []
  const tally: Tally = { answered: [], registered: accounts.length, wrong: [] }
  const sampling = async () => {
    for (; performance.now() < endsAt; await sleep(SAMPLE_MS))
      memory.push({ atMs: performance.now(), mb: await residentMb(service.pid) })
  }
  const everyMs = (CLIENTS * 1000) / perSecond
  await Promise.all([
    sampling(),
    ...accounts.map(account => client(service.port, account, everyMs, endsAt, tally)),
  ])
  await service.stop()
  await pruneMuchLater({ ...settings, DATABASE_URL })
  const after = await rowsOf(pool)
  await pool.end()

  const third = (index: number) => (one: { atMs: number }) =>
    Math.min(2, Math.floor((3 * (one.atMs - beganAt)) / (endsAt - beganAt))) === index
  const memories = [1, 2].map(index => median(memory.filter(third(index)).map(({ mb }) => mb)))
  const latencies = [1, 2].map(index =>
    percentile(
      tally.answered.filter(third(index)).map(({ ms }) => ms),
      0.99,
    ),
  )
  const [middleMb = Number.NaN, lastMb = Number.NaN] = memories
  const [middleMs = Number.NaN, lastMs = Number.NaN] = latencies
  return [
    valueRow(`requests in ${minutes} minutes`, [tally.answered.length], plain, { atLeast: 1 }),
    valueRow('answers that are faults of the server', [tally.wrong.length], plain, { atMost: 0 }),
    ratioRow('memory, last third', [lastMb], 'second', [middleMb], mb => `${mb.toFixed(0)} MB`, {
      atMost: 1.05,
    }),
    ratioRow('p99, last third', [lastMs], 'second', [middleMs], milliseconds, { atMost: 1.5 }),
    ...leftRows(before, after, tally.registered),
    ...[...new Set(tally.wrong)].slice(0, 5).map(what => valueRow(what, [1], plain, { atMost: 0 })),
  ]
}

/** One client with an account of its own, whose requests follow each other with a pause between. */
async function client(
  port: number,
  account: Account,
  everyMs: number,
  endsAt: number,
  tally: Tally,
): Promise<void> {
  // Clients that begin at the same time would stay in step.
  await sleep(Math.random() * everyMs)
  while (performance.now() < endsAt) {
    const begunAt = performance.now()
    const what = Math.random() < JUNK_SHARE ? 'junk' : pick(MIX)
    const answer = what === 'junk' ? await sendJunk(port) : await send(port, what, account)
    const atMs = performance.now()
    tally.answered.push({ atMs, ms: atMs - begunAt })
    if (what === 'register') tally.registered++
    if (answer.status >= 500 || answer.code === 'INTERNAL_SERVER_ERROR' || (what !== 'junk' && answer.code))
      tally.wrong.push(`${what}: ${answer.status} ${answer.code ?? ''}`)
    await sleep(Math.max(0, everyMs - (atMs - begunAt)))
  }
}

/** Of 99 requests that are not junk. */
const MIX = { me: 62, refresh: 20, sessions: 5, update: 4, login: 5, logout: 1, register: 2 }
type What = keyof typeof MIX

function pick(mix: Record<What, number>): What {
  let rest = Math.random() * Object.values(mix).reduce((sum, share) => sum + share)
  for (const [what, share] of Object.entries(mix) as [What, number][]) {
    rest -= share
    if (rest < 0) return what
  }
  return 'me'
}

type Answer = { status: number; code: string | undefined; body: string }

async function send(port: number, what: What, account: Account): Promise<Answer> {
  const signIn = { identifier: account.email, password: PASSWORD }
  switch (what) {
    case 'me':
      return graphql(port, OPERATIONS.me, {}, account)
    case 'sessions':
      return graphql(port, '{ me { id sessions { id createdAt deviceName } } }', {}, account)
    case 'update': {
      const input = { displayName: `Ada ${randomBytes(3).toString('hex')}` }
      return graphql(
        port,
        'mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) { id } }',
        { input },
        account,
      )
    }
    case 'register': {
      const input = { email: `${randomUUID()}@example.com`, password: PASSWORD }
      return graphql(port, OPERATIONS.register, { input })
    }
    case 'logout':
    case 'login': {
      // A logout ends a session that another client has just started.
      if (what === 'logout') await graphql(port, 'mutation { logout }', {}, account)
      return keep(account, await graphql(port, OPERATIONS.login, { input: signIn }))
    }
    case 'refresh':
      return keep(
        account,
        await graphql(port, OPERATIONS.refresh, { input: { refreshToken: account.refreshToken } }),
      )
  }
}

function keep(account: Account, answer: Answer): Answer {
  if (!answer.code) Object.assign(account, tokensIn(answer.body))
  return answer
}

async function graphql(port: number, query: string, variables: object, account?: Account): Promise<Answer> {
  return post(port, JSON.stringify({ query, variables }), {
    'content-type': 'application/json',
    ...(account && { authorization: `Bearer ${account.accessToken}` }),
  })
}

/** What scanners, broken clients and attackers send. */
function sendJunk(port: number): Promise<Answer> {
  const json = { 'content-type': 'application/json' }
  const junk = [
    () => post(port, '{"query":', json),
    () => post(port, randomBytes(300).toString('latin1'), json),
    () => post(port, JSON.stringify({ query: '{ nothing { at { all } } }' }), json),
    () => post(port, JSON.stringify({ query: `{ me ${'{ sessions { id }'.repeat(40)} }` }), json),
    () => post(port, JSON.stringify({ query: '{ me { id } }', variables: 'x'.repeat(300_000) }), json),
    () =>
      post(port, JSON.stringify({ query: '{ me { id } }' }), {
        ...json,
        authorization: 'Bearer not.a.token',
      }),
    () => graphql(port, OPERATIONS.refresh, { input: { refreshToken: `${randomUUID()}.0.${randomUUID()}` } }),
    () => graphql(port, OPERATIONS.login, { input: { identifier: randomUUID(), password: 'x' } }),
    () => post(port, 'query=me', { 'content-type': 'application/x-www-form-urlencoded' }),
  ]
  return junk[Math.floor(Math.random() * junk.length)]?.() ?? post(port, '', json)
}

async function post(port: number, body: string, headers: Record<string, string>): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${port}/graphql`, { method: 'POST', headers, body })
  const text = await response.text()
  const [, code] = /"code":"([A-Z_]+)"/.exec(text) ?? []
  return { status: response.status, code, body: text }
}

/** Deletes what has expired in 500 days, with a retention of audit events. */
async function pruneMuchLater(settings: Settings): Promise<void> {
  const built = async <Module>(file: string) => (await import(new URL(file, BUILT).href)) as Module
  const { openApp } = await built<typeof import('../../src/open.ts')>('open.js')
  const { prune } = await built<typeof import('../../src/maintenance/prune.ts')>('maintenance/prune.js')
  const config = loadConfig({ ...settings, AUDIT_RETENTION: '1d', LOG_LEVEL: 'error' })
  const app = await openApp(config, { clock: { now: () => new Date(Date.now() + LATER_MS) } })
  try {
    // What one run marks as ended, a later one deletes.
    for (const _ of [1, 2]) await prune(app)
  } finally {
    await app.close()
  }
}

/** The number of rows of each table; partitions count as their table. */
async function rowsOf(pool: pg.Pool): Promise<Map<string, number>> {
  const { rows } = await pool.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY 1`,
  )
  const counts = new Map<string, number>()
  for (const { name } of rows) {
    const counted = await pool.query<{ count: number }>(`SELECT count(*)::int FROM "${name}"`)
    counts.set(name, counted.rows[0]?.count ?? 0)
  }
  return counts
}

/** The database never deletes events of its last day, so the soak can't show that those of months ago are deleted. */
const NOT_YET_PRUNED = 'audit_events'

function leftRows(before: Map<string, number>, after: Map<string, number>, accounts: number): Row[] {
  const most = accounts * ROWS_OF_ACCOUNT
  const grown = [...after]
    .map(([table, count]) => ({ table, more: count - (before.get(table) ?? 0) }))
    .filter(({ table, more }) => more > 0 && table !== NOT_YET_PRUNED)
    .map(({ table, more }) =>
      valueRow(`rows left in ${table}, ${accounts} accounts`, [more], plain, { atMost: most }),
    )
  return grown
}

function plain(value: number): string {
  return value.toLocaleString('en')
}
