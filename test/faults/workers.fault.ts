import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { rm, writeFile } from 'node:fs/promises'
import { Agent, type IncomingMessage, request } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { json } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { PASSWORD } from '../support/actors.ts'
import { Login, Me, Register } from '../support/operations.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { type ServerProcess, startProcess } from '../support/process.ts'
import { codes, send } from '../support/service.ts'

jest.setTimeout(600_000)

const FREE_GUESSES = 6
const EMAIL = 'ada@example.com'
/** Of their settings; a server whose file is missing does not start. */
const breachedFile = path.join(tmpdir(), `authograph-workers-${process.pid}.txt`)

let database: TestDatabase
let server: ServerProcess
let token: string

beforeAll(async () => {
  database = await createDatabase()
  await writeFile(breachedFile, '0000000000000000000000000000000000000000:1\n')
  server = await startProcess({
    DATABASE_URL: database.url,
    WORKERS: '2',
    BREACHED_PASSWORDS_FILE: breachedFile,
    LIMIT_LOGIN_ACCOUNT: `${FREE_GUESSES}/1h`,
  })
  const { data } = await ask(Register, { input: { email: EMAIL, password: PASSWORD } })
  if (data?.register.__typename !== 'AuthPayload') throw new Error('the registration failed')
  token = data.register.accessToken
})
afterAll(async () => {
  server?.kill('SIGKILL')
  await server?.ended
  await rm(breachedFile, { force: true })
  await database?.drop()
})

/** Over a connection of its own. Connections go to the workers in turns. */
function ask<Data, Variables>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  sending: { token?: string } = {},
) {
  return send(server.url ?? '', document, variables, { ...sending, headers: { connection: 'close' } })
}

async function workers(): Promise<number[]> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'pid=', '--ppid', String(server.pid)])
  return stdout.split('\n').flatMap(pid => Number(pid) || [])
}

test('two workers share the keys: each accepts the tokens of the other, and /metrics counts both', async () => {
  expect(await workers()).toHaveLength(2)
  for (let count = 0; count < 10; count++) expect(codes(await ask(Me, {}, { token }))).toEqual([])
  const metrics = await (await fetch(`${server.url}/metrics`)).text()
  expect(metrics).toContain('authograph_operations_total{operation="query.me",code="OK"} 10\n')
})

test('two workers share the limits: the free guesses of an account are the same in number', async () => {
  const guess = () => ask(Login, { input: { identifier: 'grace@example.com', password: 'a wrong guess' } })
  const seen: string[] = []
  for (let count = 0; count < FREE_GUESSES + 2; count++) seen.push(...codes(await guess()))
  expect(seen).toEqual([
    ...Array<string>(FREE_GUESSES).fill('INVALID_CREDENTIALS'),
    ...['RATE_LIMITED', 'RATE_LIMITED'],
  ])
})

test('a restart with SIGHUP replaces both workers, and no request is dropped', async () => {
  const before = await workers()
  const stop = new AbortController()
  const failures: unknown[] = []
  let answered = 0
  const client = async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    try {
      while (!stop.signal.aborted) {
        if ((await askMe(agent)) === 200) answered++
        else failures.push('refused')
        // The new workers need the processor too.
        await sleep(20)
      }
    } catch (error) {
      failures.push(error)
    } finally {
      agent.destroy()
    }
  }
  const clients = Array.from({ length: 6 }, client)
  await until(() => answered > 50)
  server.kill('SIGHUP')
  await until(() => said('restarted the workers'))
  const atEnd = answered
  await until(() => answered > atEnd + 50)
  stop.abort()
  await Promise.all(clients)
  expect(failures).toEqual([])
  const after = await workers()
  expect(after).toHaveLength(2)
  expect(after.filter(pid => before.includes(pid))).toEqual([])
})

/** Over the agent's connection. */
async function askMe(agent: Agent): Promise<number | undefined> {
  const sending = request(`${server.url}/graphql`, {
    agent,
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
  })
  sending.end('{"query":"{ me { id } }"}')
  const [response] = (await once(sending, 'response')) as [IncomingMessage]
  const { errors } = (await json(response)) as { errors?: unknown }
  return errors ? undefined : response.statusCode
}

/** Asks rarely, because what is awaited needs the processor. */
async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  for (const deadline = Date.now() + 200_000; Date.now() < deadline; await sleep(100))
    if (await holds()) return
  throw new Error(`it did not happen:\n${[...server.stdout, ...server.stderr].join('\n')}`)
}

const said = (text: string) => server.stdout.some(line => line.includes(text))

test('a worker that is killed is replaced, while the other one serves', async () => {
  const [killed = 0, other] = await workers()
  process.kill(killed, 'SIGKILL')
  await until(() => said('a worker ended; another takes its place'))
  expect(codes(await ask(Me, {}, { token }))).toEqual([])
  await until(() => said('another worker serves in its place'))
  const now = await workers()
  expect(now).toHaveLength(2)
  expect(now).toContain(other)
  expect(now).not.toContain(killed)
})

test('workers whose settings have become invalid do not replace the others', async () => {
  const before = await workers()
  await rm(breachedFile)
  server.kill('SIGHUP')
  await until(() => said('a new worker did not start'))
  expect(server.stderr.join('\n')).toContain('BREACHED_PASSWORDS_FILE: must be an existing file')
  expect(await workers()).toEqual(before)
  expect(codes(await ask(Me, {}, { token }))).toEqual([])
})

test('SIGTERM ends every worker, and the exit code is 0', async () => {
  const before = await workers()
  server.kill('SIGTERM')
  expect(await server.ended).toBe(0)
  for (const pid of before) expect(() => process.kill(pid, 0)).toThrow('ESRCH')
})

test('a port that is in use ends the start with one message and code 1', async () => {
  const taken = createServer().listen(0, 'localhost')
  await once(taken, 'listening')
  try {
    const { port } = taken.address() as { port: number }
    const failed = await startProcess({ DATABASE_URL: database.url, WORKERS: '2', PORT: String(port) })
    expect(failed.url).toBeUndefined()
    expect(await failed.ended).toBe(1)
    expect(failed.stderr.filter(line => line.includes(String(port)))).toHaveLength(1)
  } finally {
    taken.close()
  }
})
