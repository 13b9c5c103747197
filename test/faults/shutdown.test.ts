import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { json } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { print } from 'graphql'
import { PASSWORD } from '../support/actors.ts'
import { Login, Me, Register } from '../support/operations.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { type ServerProcess, startProcess } from '../support/process.ts'

const CLIENTS = 50
const EMAIL = 'ada@example.com'
const credentials = { input: { identifier: EMAIL, password: PASSWORD } }

let database: TestDatabase
let server: ServerProcess

beforeEach(async () => {
  database = await createDatabase()
  // Hashes slow enough that some are always under way, as in production.
  server = await startProcess({
    DATABASE_URL: database.url,
    ARGON2_MEMORY_KIB: '4096',
    LIMIT_LOGIN_ACCOUNT: '100000/1h',
    LIMIT_LOGIN_NETWORK: '100000/1h',
    LIMIT_WORK_ACCOUNT: '100000/1h',
    LIMIT_WORK_NETWORK: '100000/1h',
  })
})
afterEach(async () => {
  server.kill('SIGKILL')
  await server.ended
  await database.drop()
})

type Answer = {
  status: number | undefined
  closes: boolean
  errors: unknown
  accessToken: string | undefined
}

/** Sends one request over the agent's connection; rejects with the code of what broke it. */
async function send(agent: Agent, query: string, variables: unknown, token?: string): Promise<Answer> {
  const sending = request(`${server.url}/graphql`, {
    agent,
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
  })
  sending.end(JSON.stringify({ query, variables }))
  const [response] = (await once(sending, 'response')) as [IncomingMessage]
  const { data, errors } = (await json(response)) as {
    data?: { login?: { accessToken?: string }; register?: { accessToken?: string } }
    errors?: unknown
  }
  return {
    status: response.statusCode,
    closes: response.headers.connection === 'close',
    errors,
    accessToken: data?.login?.accessToken ?? data?.register?.accessToken,
  }
}

type Tally = { answered: number; closed: number; refused: number; failures: unknown[] }

/** One after the other over one connection, until the server takes no more connections. */
async function client(index: number, token: string, tally: Tally): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  try {
    for (let turn = index; ; turn++) {
      const answer = await (turn % 2
        ? send(agent, print(Login), credentials)
        : send(agent, print(Me), {}, token))
      if (answer.status === 200 && !answer.errors) tally.answered++
      else tally.failures.push(answer)
      if (answer.closes) tally.closed++
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ECONNREFUSED') tally.refused++
    else tally.failures.push(code ?? error)
  } finally {
    agent.destroy()
  }
}

test('after SIGTERM, every request that was sent is answered, and the process exits with 0', async () => {
  const agent = new Agent()
  const register = (email: string) => send(agent, print(Register), { input: { email, password: PASSWORD } })
  await register(EMAIL)
  // Of another account: the many sign-ins of the first end its oldest sessions.
  const { accessToken = '' } = await register('grace@example.com')
  const tally: Tally = { answered: 0, closed: 0, refused: 0, failures: [] }
  const clients = Array.from({ length: CLIENTS }, (_, index) => client(index, accessToken, tally))
  while (tally.answered < 2 * CLIENTS && tally.failures.length === 0) await sleep(50)
  await sleep(500)
  const before = tally.answered
  const start = performance.now()
  server.kill('SIGTERM')
  await Promise.all(clients)
  const exitCode = await server.ended
  const ms = Math.round(performance.now() - start)
  process.stdout.write(
    `SIGTERM: ${before} requests answered before, ${tally.answered - before} after, ${tally.failures.length} dropped, ended in ${ms} ms\n`,
  )
  expect(tally.failures).toEqual([])
  // Each connection had a request in flight, and its answer closed the connection.
  expect({ closed: tally.closed, refused: tally.refused }).toEqual({ closed: CLIENTS, refused: CLIENTS })
  expect(exitCode).toBe(0)
  expect(ms).toBeLessThan(5000)
})

test('a request whose last byte arrives after SIGTERM is answered', async () => {
  const { hostname, port } = new URL(server.url ?? '')
  const socket = connect(Number(port), hostname)
  const body = JSON.stringify({ query: '{ authSettings { registrationOpen } }' })
  socket.write(
    `POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`,
  )
  socket.write(body.slice(0, 10))
  await sleep(200)
  server.kill('SIGTERM')
  await sleep(1000)
  socket.write(body.slice(10))
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk as Buffer)
  const answer = Buffer.concat(chunks).toString()
  expect(answer).toMatch(/^HTTP\/1\.1 200 /)
  expect(answer).toMatch(/connection: close/i)
  expect(answer).toContain('"registrationOpen":true')
  expect(await server.ended).toBe(0)
})

test('idle connections do not delay the shutdown', async () => {
  const { hostname, port } = new URL(server.url ?? '')
  const unused = connect(Number(port), hostname)
  const used = new Agent({ keepAlive: true })
  await send(used, '{ __typename }', {})
  const start = performance.now()
  server.kill('SIGTERM')
  expect(await server.ended).toBe(0)
  expect(performance.now() - start).toBeLessThan(3000)
  unused.destroy()
  used.destroy()
})

test('the process exits even if the database is unreachable', async () => {
  await database.drop()
  server.kill('SIGTERM')
  expect(await server.ended).toBe(0)
})
