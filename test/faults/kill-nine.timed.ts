import { chmod, mkdtemp, realpath, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import pg from 'pg'
import { type EmbeddedDatabase, startEmbedded } from '../../src/database/embedded/start.ts'
import { PASSWORD } from '../support/actors.ts'
import { build } from '../support/cli.ts'
import { folderForClusters } from '../support/memory.ts'
import { Login, Refresh, Register } from '../support/operations.ts'
import { type ServerProcess, startProcess } from '../support/process.ts'
import { codes, send } from '../support/service.ts'

jest.setTimeout(10 * 60_000)

const KILLS = 20
const SERVES_AGAIN_MS = 5000
const REGISTERING = 4
const REFRESHING = 12
/** What a service runs with that has its PostgreSQL with it, durable as in production. */
const SETTINGS = {
  LIMIT_REGISTER_NETWORK: '1000000/1h',
  LIMIT_MAIL_NETWORK: '1000000/1h',
  LIMIT_LOGIN_NETWORK: '1000000/1h',
  LIMIT_WORK_ACCOUNT: '1000000/1h',
  LIMIT_WORK_NETWORK: '1000000/1h',
  LIMIT_LOGIN_ACCOUNT: '1000000/1h',
}

let dataDir: string
let database: EmbeddedDatabase
let server: ServerProcess

beforeAll(async () => {
  await build()
  dataDir = await realpath(await mkdtemp(join(await folderForClusters(), 'authograph-kill-')))
  // As root the server runs as another user, who has to get in.
  await chmod(dataDir, 0o755)
})
afterAll(async () => {
  server?.kill('SIGKILL')
  await server?.ended
  await database?.stop()
  for (const folder of new Set([dataDir, dirname(database?.dir ?? join(dataDir, 'postgres'))]))
    await rm(folder, { recursive: true, force: true })
})

/** Starts the service and gives how long it took until it did what it is for. */
async function startServing(probe: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  server = await startProcess({ ...SETTINGS, DATA_DIR: dataDir })
  if (!server.url) throw new Error(`it did not start: ${server.stderr.join('\n')}`)
  await probe()
  return performance.now() - start
}

const url = () => server.url ?? ''

/** Acknowledged accounts, and addresses whose registration may or may not have succeeded. */
const accounts = new Map<string, string>()
const unknown = new Set<string>()
/** Sessions as their clients know them: the newest token received, and how many rotations were acknowledged. */
type Chain = { token: string; rotations: number; lost: number }
const chains: Chain[] = []

/** The service answered, and should have said yes. */
class Refused extends Error {}

let serial = 0
async function register(): Promise<Chain> {
  const email = `user${serial++}@example.com`
  unknown.add(email)
  const { data, errors } = await send(url(), Register, { input: { email, password: PASSWORD } })
  const payload = data?.register
  if (payload?.__typename !== 'AuthPayload' || !payload.refreshToken)
    throw new Refused(`a registration: ${JSON.stringify(errors)}`)
  unknown.delete(email)
  accounts.set(email, payload.user.id)
  return { token: payload.refreshToken, rotations: 0, lost: 0 }
}

async function rotate(chain: Chain): Promise<void> {
  chain.lost++
  const { data, errors } = await send(url(), Refresh, { input: { refreshToken: chain.token } })
  const next = data?.refreshToken.refreshToken
  if (!next) throw new Refused(`a refresh: ${JSON.stringify(errors)}`)
  chain.token = next
  chain.rotations++
  chain.lost--
}

async function exists(email: string): Promise<boolean> {
  const reply = await send(url(), Login, { input: { identifier: email, password: PASSWORD } })
  if (codes(reply).length === 0) return true
  expect(codes(reply)).toEqual(['INVALID_CREDENTIALS'])
  return false
}

/** Does so again and again, until the service is killed; what the service itself refuses is a failure. */
async function repeat(task: () => Promise<unknown>, isKilled: () => boolean): Promise<void> {
  while (!isKilled()) {
    try {
      await task()
    } catch (error) {
      if (isKilled() && !(error instanceof Refused)) return
      throw error
    }
  }
}

async function streamUntilKilled(): Promise<void> {
  let killed = false
  const isKilled = () => killed
  const clients = [
    ...Array.from({ length: REGISTERING }, () => repeat(register, isKilled)),
    ...chains.map(chain => repeat(() => rotate(chain), isKilled)),
  ]
  const finished = Promise.all(clients)
  await Promise.race([sleep(300 + Math.random() * 700), finished])
  killed = true
  server.kill('SIGKILL')
  await server.ended
  await finished
}

test(`${KILLS} times kill -9 in a stream of registrations and refreshes lose nothing`, async () => {
  await startServing(register)
  database = await startEmbedded({ dataDir, log: () => {} })
  for (let i = 0; i < REFRESHING; i++) chains.push(await register())
  const restarts: number[] = []
  const undecided = { made: 0, notMade: 0 }
  for (let kill = 0; kill < KILLS; kill++) {
    const known = new Set(accounts.keys())
    await streamUntilKilled()
    const ms = await startServing(() => Promise.all(chains.map(rotate)))
    restarts.push(Math.round(ms))
    const made = [...accounts.keys()].filter(email => !known.has(email))
    for (const email of made) expect({ email, exists: await exists(email) }).toEqual({ email, exists: true })
    for (const email of unknown) {
      if (await exists(email)) undecided.made++
      else undecided.notMade++
    }
    unknown.clear()
  }
  const halves = await halfMade()
  const rotations = chains.reduce((sum, chain) => sum + chain.rotations, 0)
  const lost = chains.reduce((sum, chain) => sum + chain.lost, 0)
  process.stdout.write(
    [
      `kill -9 × ${KILLS}: ${accounts.size} accounts and ${rotations} rotations acknowledged, none lost;`,
      `of ${undecided.made + undecided.notMade} registrations without an answer ${undecided.made} were made whole and ${undecided.notMade} not at all;`,
      `${lost} refreshes without an answer were repeated; half made: ${JSON.stringify(halves)};`,
      `serving again after ${Math.min(...restarts)} to ${Math.max(...restarts)} ms`,
      '',
    ].join('\n'),
  )
  expect(halves).toEqual({ users: 0, sessions: 0, events: 0, generations: 0, reuse: 0 })
  expect(Math.max(...restarts)).toBeLessThan(SERVES_AGAIN_MS)
  // Otherwise nothing was tried.
  expect(accounts.size).toBeGreaterThan(KILLS)
  expect(rotations).toBeGreaterThan(KILLS * REFRESHING)
  expect(undecided.made + undecided.notMade + lost).toBeGreaterThan(0)
})

/** How many things are there without what belongs to them. */
async function halfMade(): Promise<Record<string, number>> {
  const client = new pg.Client(database.url('authograph'))
  await client.connect()
  const count = async (sql: string) => Number((await client.query(sql)).rows[0]?.count)
  try {
    const all = await count('SELECT count(*) FROM users')
    expect(all).toBeGreaterThanOrEqual(accounts.size)
    const ids = await client.query('SELECT FROM users WHERE id = ANY($1::uuid[])', [[...accounts.values()]])
    expect(ids.rowCount).toBe(accounts.size)
    return {
      users: await count(
        `SELECT count(*) FROM users u
         WHERE NOT EXISTS (SELECT FROM user_roles r WHERE r.user_id = u.id AND r.role_name = 'user')
           OR NOT EXISTS (SELECT FROM sessions s WHERE s.user_id = u.id)
           OR 1 <> (SELECT count(*) FROM audit_events e WHERE e.subject_id = u.id AND e.action = 'user.registered')`,
      ),
      sessions: await count(
        `SELECT count(*) FROM sessions s WHERE 1 <> (
           SELECT count(*) FROM audit_events e
           WHERE e.action = 'session.started' AND e.detail->>'sessionId' = s.id::text)`,
      ),
      events: await count(
        `SELECT count(*) FROM audit_events e
         WHERE e.action IN ('user.registered', 'session.started')
           AND (NOT EXISTS (SELECT FROM users u WHERE u.id = e.subject_id) OR e.action = 'session.started'
             AND NOT EXISTS (SELECT FROM sessions s WHERE s.id::text = e.detail->>'sessionId'))`,
      ),
      // Each rotation moves a session on by one, answered or not, and a repeated one by none.
      generations: await generationsOff(client),
      reuse: await count(`SELECT count(*) FROM audit_events WHERE action = 'session.reuse_detected'`),
    }
  } finally {
    await client.end()
  }
}

/** Chains whose session is not at the generation that their client has the token of. */
async function generationsOff(client: pg.Client): Promise<number> {
  const known = new Map(
    chains.map(({ token }) => {
      const [id = '', generation] = token.split('.')
      return [id, Number(generation)]
    }),
  )
  const { rows } = await client.query<{ id: string; generation: number }>(
    'SELECT id, generation FROM sessions WHERE id = ANY($1::uuid[])',
    [[...known.keys()]],
  )
  expect(rows).toHaveLength(chains.length)
  return rows.filter(({ id, generation }) => known.get(id) !== generation).length
}
