import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { type ServerProcess, startProcess } from '../support/process.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database.drop())

/** The maximum time for a stop. */
const LIMIT_MS = 10_000

/** Slow enough that a registration takes a second or more. */
const SLOW_HASHES = { ARGON2_MEMORY_KIB: '65536', ARGON2_TIME_COST: '60' }

function register({ url }: ServerProcess): Promise<Response> {
  return fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      query:
        'mutation { register(input: { email: "ada@example.com", password: "an engine of brass" }) { __typename } }',
    }),
  })
}

async function untilHashing({ url }: ServerProcess): Promise<void> {
  for (;;) {
    const metrics = await (await fetch(`${url}/metrics`)).text()
    if (metrics.includes('authograph_password_hashes{state="active"} 1')) return
    await sleep(10)
  }
}

test('after SIGTERM, the process answers the request in progress, accepts no new one, and exits with 0', async () => {
  const server = await startProcess({ DATABASE_URL: database.url, ...SLOW_HASHES })
  const inFlight = register(server).then(response => response.json())
  await untilHashing(server)
  const signalledAt = Date.now()
  server.kill('SIGTERM')
  const refused = (async () => {
    for (;;) {
      const taken = await fetch(`${server.url}/healthz`).then(
        response => response.status === 200,
        () => false,
      )
      if (!taken) return Date.now()
    }
  })()
  let answeredAt = 0
  expect(await inFlight.finally(() => (answeredAt = Date.now()))).toEqual({
    data: { register: { __typename: 'AuthPayload' } },
  })
  expect(await refused).toBeLessThan(answeredAt)
  expect(await server.ended).toBe(0)
  expect(Date.now() - signalledAt).toBeLessThan(LIMIT_MS)
  expect(server.stderr).toEqual([])
})

test('a request that never ends delays the exit after SIGTERM by at most 10 seconds', async () => {
  const server = await startProcess({ DATABASE_URL: database.url })
  const { hostname, port } = new URL(server.url ?? '')
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {})
  socket.write(
    `POST /graphql HTTP/1.1\r\nHost: ${hostname}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`,
  )
  await sleep(100)
  const signalledAt = Date.now()
  server.kill('SIGTERM')
  expect(await server.ended).toBe(1)
  expect(Date.now() - signalledAt).toBeLessThan(LIMIT_MS)
  expect(server.stderr).toEqual(['Requests were still running after 9 s and were dropped.'])
  socket.destroy()
})

test('with invalid settings, the process lists every problem and exits with 1', async () => {
  const server = await startProcess({
    NODE_ENV: 'production',
    AUTHOGRAPH_SECRET: 'short',
    PORT: 'http',
    PASSWORD_MIN_LENGTH: '1',
    DATABASE_URL: 'mysql://localhost',
    ACCESS_TOKEN_TTL: 'ten minutes',
  })
  expect(await server.ended).toBe(1)
  expect(server.stdout).toEqual([])
  expect(server.stderr).toEqual([
    'The settings are invalid:',
    '  PORT: must be a number',
    '  DATABASE_URL: must be a postgresql:// URL',
    '  AUTHOGRAPH_SECRET: must have at least 32 characters',
    '  ACCESS_TOKEN_TTL: must be seconds or a duration such as 30s, 10m, 24h or 90d',
    '  PASSWORD_MIN_LENGTH: must be at least 8',
    '  PUBLIC_URL: is required in production, such as https://auth.example.com; with an http:// URL, cookies are not Secure',
    '  SMTP_URL: is required in production, unless MAIL=off',
  ])
})

test('the process does not start without its database', async () => {
  const server = await startProcess({ DATABASE_URL: 'postgresql://postgres@127.0.0.1:1/nothing' })
  expect(await server.ended).toBe(1)
  expect(server.url).toBeUndefined()
  expect(server.stderr.join('\n')).toContain('ECONNREFUSED')
})
