import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import pg from 'pg'
import { newAddress, PASSWORD } from '../support/actors.ts'
import { build, runCli } from '../support/cli.ts'
import { eventually } from '../support/eventually.ts'
import { Logout, Register } from '../support/operations.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { type ServerProcess, startProcess } from '../support/process.ts'
import { isSigned, type Received, startReceiver } from '../support/receiver.ts'
import { send } from '../support/service.ts'

jest.setTimeout(10 * 60_000)

const KILLS = 10
const CLIENTS = 4
const ACTIONS = ['user.registered', 'session.started', 'session.ended']
const MANY = '1000000/1h'
const SETTINGS = {
  LIMIT_REGISTER_NETWORK: MANY,
  LIMIT_MAIL_NETWORK: MANY,
  HASH_WAIT_MS: '30000',
  MAIL: 'off',
  LOG_LEVEL: 'fatal',
  AUTHOGRAPH_SECRET: 'a secret that only the tests may know',
}

const receiver = await startReceiver()
let database: TestDatabase
let server: ServerProcess

beforeAll(async () => {
  await build()
  database = await createDatabase()
})
afterAll(async () => {
  server?.kill('SIGKILL')
  await server?.ended
  await receiver.stop()
  await database?.drop()
})

async function startServing(): Promise<string> {
  server = await startProcess({ ...SETTINGS, DATABASE_URL: database.url })
  if (!server.url) throw new Error(`it did not start: ${server.stderr.join('\n')}`)
  return server.url
}

/** Registers accounts and signs them out, until the server is killed. Calls `onLife` after each. */
async function liveUntilKilled(url: string, isKilled: () => boolean, onLife: () => void): Promise<void> {
  while (!isKilled()) {
    try {
      const { data } = await send(url, Register, { input: { email: newAddress(), password: PASSWORD } })
      const payload = data?.register
      if (payload?.__typename !== 'AuthPayload') throw new Error(JSON.stringify(data))
      await send(url, Logout, {}, { token: payload.accessToken })
      onLife()
    } catch (error) {
      if (!isKilled()) throw error
    }
  }
}

test(`${KILLS} times kill -9 loses no event, invents none, and keeps the order of each account`, async () => {
  const accepted: Received[] = []
  receiver.answer(async message => {
    await sleep(Math.random() * 20)
    if (Math.random() < 0.1) return 503
    accepted.push(message)
    return 204
  })
  const events = ACTIONS.flatMap(action => ['--event', action])
  const create = ['webhooks', 'create', '--url', receiver.at('/'), ...events, '--json']
  const created = await runCli(create, { settings: { ...SETTINGS, DATABASE_URL: database.url } })
  const { secret } = JSON.parse(created.stdout) as { secret: string }
  for (let kill = 0; kill < KILLS; kill++) {
    const url = await startServing()
    let killed = false
    let lives = 0
    const live = () =>
      liveUntilKilled(
        url,
        () => killed,
        () => lives++,
      )
    const finished = Promise.all(Array.from({ length: CLIENTS }, live))
    while (lives < 5) await Promise.race([sleep(20), finished])
    await Promise.race([sleep(Math.random() * 1000), finished])
    killed = true
    server.kill('SIGKILL')
    await server.ended
    await finished
  }
  await startServing()
  const client = new pg.Client(database.url)
  await client.connect()
  await eventually(async () => {
    // As if the leases of the dead and the waits had run out. The server itself claims and delivers.
    await client.query(
      `UPDATE webhook_deliveries SET next_attempt_at = now() WHERE next_attempt_at > now() + interval '3 s'`,
    )
    await client.query('UPDATE webhooks SET paused_until = NULL')
    await sleep(500)
    return (await client.query('SELECT FROM webhook_deliveries')).rowCount === 0
  }, 300)
  const { rows: recorded } = await client.query<{ id: string; subject: string }>(
    'SELECT id, subject_id AS subject FROM audit_events WHERE action = ANY ($1) ORDER BY at, id',
    [ACTIONS],
  )
  await client.end()

  const first = new Map<string, Received>()
  for (const message of accepted) {
    expect(isSigned(message, secret)).toBe(true)
    const eventId = String(message.data.eventId)
    const before = first.get(eventId)
    // Twice is better than never, and the receiver can tell.
    if (before) expect(message.id).toBe(before.id)
    else first.set(eventId, message)
  }
  expect([...first.keys()].sort()).toEqual(recorded.map(({ id }) => id).sort())
  for (const subject of new Set(recorded.map(event => event.subject))) {
    const happened = recorded.filter(event => event.subject === subject).map(({ id }) => id)
    const arrived = [...first.keys()].filter(id => first.get(id)?.data.subjectId === subject)
    expect(arrived).toEqual(happened)
  }
  const repeated = accepted.length - first.size
  process.stdout.write(`kill -9 × ${KILLS}: ${recorded.length} events arrived, ${repeated} of them twice\n`)
  expect(recorded.length).toBeGreaterThan(KILLS * 10)
})
