import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import pg from 'pg'
import { newAddress, PASSWORD } from '../support/actors.ts'
import { Register } from '../support/operations.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { codes, send } from '../support/service.ts'
import { environment, INSTALL_TIMEOUT_MS, packServer, ROOT, run, usePlace } from './support.ts'

const EXAMPLES = ['embed-express', 'embed-fastify', 'embed-nest', 'embed-apollo']
const START_TIMEOUT_MS = 60_000

const place = usePlace('authograph-embed-examples-')
let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
  await install(await packServer(place()))
}, 2 * INSTALL_TIMEOUT_MS)

const running = new Set<ChildProcess>()
afterAll(async () => {
  for (const { pid } of running) if (pid) process.kill(-pid, 'SIGKILL')
  await database.drop()
})

type Manifest = { scripts: Record<string, string>; dependencies: Record<string, string> }
const manifests = new Map<string, Manifest>()

/** Installs all examples with one command, which takes a fourth of the time. */
async function install(tarball: string): Promise<void> {
  for (const name of EXAMPLES) {
    const folder = path.join(place(), name)
    await cp(path.join(ROOT, 'docs/examples', name), folder, { recursive: true })
    const file = path.join(folder, 'package.json')
    const manifest = JSON.parse(await readFile(file, 'utf8')) as Manifest
    manifest.dependencies.authograph = tarball
    manifests.set(name, manifest)
    await writeFile(file, JSON.stringify(manifest))
  }
  await writeFile(path.join(place(), 'package.json'), JSON.stringify({ private: true, workspaces: EXAMPLES }))
  await run(place(), 'npm', 'install', '--no-audit', '--no-fund', '--prefer-offline')
}

type Example = { url: string; stop(): Promise<void> }

async function freePort(): Promise<number> {
  return new Promise(resolve => {
    const server = createServer().listen(0, () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

/** Checks, builds and starts an example as its reader would. */
async function startExample(name: string, start = 'start'): Promise<Example> {
  const folder = path.join(place(), name)
  for (const script of ['check', 'build'])
    if (manifests.get(name)?.scripts[script]) await run(folder, 'npm', 'run', script)
  const port = await freePort()
  const settings = {
    PORT: `${port}`,
    DATABASE_URL: database.url,
    AUTHOGRAPH_SECRET: 'a secret that only the tests may know',
    MAIL: 'off',
  }
  const child = spawn('npm', ['run', start], {
    cwd: folder,
    env: { ...environment(), ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  running.add(child)
  const ended = once(child, 'close').then(() => running.delete(child))
  let printed = ''
  for (const output of [child.stdout, child.stderr]) output.on('data', chunk => (printed += chunk))
  const url = `http://localhost:${port}`
  await untilItAnswers(url, () => `${name} did not start: ${printed}`)
  return {
    url,
    stop: async () => {
      if (child.pid) process.kill(-child.pid, 'SIGTERM')
      await ended
    },
  }
}

/** The programs start within seconds, in processes of their own. */
async function untilItAnswers(url: string, failure: () => string): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS
  for (;;) {
    const answers = await fetch(url).then(
      () => true,
      () => false,
    )
    if (answers) return
    if (Date.now() > deadline) throw new Error(failure())
    await sleep(100)
  }
}

async function signUpAt(endpoint: string): Promise<{ id: string; token: string }> {
  const { data } = await send(endpoint, Register, { input: { email: newAddress(), password: PASSWORD } })
  if (data?.register.__typename !== 'AuthPayload') throw new Error('The registration did not sign in.')
  return { id: data.register.user.id, token: data.register.accessToken }
}

async function makeAdmin(id: string): Promise<void> {
  const client = new pg.Client(database.url)
  await client.connect()
  await client.query(`INSERT INTO user_roles (user_id, role_name) VALUES ($1, 'admin')`, [id])
  await client.end()
}

async function get(url: string, token?: string): Promise<[status: number, body: unknown]> {
  const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {}
  const response = await fetch(url, { headers })
  return [response.status, await response.json()]
}

const refusal = (code: string) => ({
  errors: [expect.objectContaining({ extensions: expect.objectContaining({ code }) })],
})

describe.each([
  ['embed-express', 'start'],
  ['embed-fastify', 'start'],
  ['embed-nest', 'start'],
  // NestJS on Fastify.
  ['embed-nest', 'start:fastify'],
])('the example %s with npm run %s', (name, start) => {
  test(
    'serves Authograph below /auth and guards its own routes, until SIGTERM ends it',
    async () => {
      const { url, stop } = await startExample(name, start)
      const { id, token } = await signUpAt(`${url}/auth`)
      expect(await get(`${url}/notes`)).toEqual([401, refusal('UNAUTHENTICATED')])
      expect(await get(`${url}/notes`, token)).toEqual([200, [`Note of ${id}`]])
      const metadata = await get(`${url}/auth/.well-known/openid-configuration`)
      expect(metadata).toEqual([200, expect.objectContaining({ issuer: `${url}/auth` })])
      const all = () =>
        name === 'embed-express'
          ? send(`${url}/auth`, '{ notes }', {}, { token })
          : get(`${url}/notes/all`, token)
      const denied = await all()
      if ('data' in denied) expect(codes(denied)).toEqual(['FORBIDDEN'])
      else expect(denied).toEqual([403, refusal('FORBIDDEN')])
      await makeAdmin(id)
      const allowed = await all()
      if ('data' in allowed) expect(allowed.data).toEqual({ notes: [`Note of ${id}`] })
      else expect(allowed).toEqual([200, ['Note of everyone']])
      expect((await fetch(`${url}/nothing`)).status).toBe(404)
      await stop()
    },
    INSTALL_TIMEOUT_MS,
  )
})

test(
  'the example embed-apollo serves both schemas, with guards and limits',
  async () => {
    const { url, stop } = await startExample('embed-apollo')
    const { id, token } = await signUpAt(url)
    const query = '{ me { id } notes { text } }'
    expect((await send(url, query, {}, { token })).data).toEqual({
      me: { id },
      notes: [{ text: `Note of ${id}` }],
    })
    expect(codes(await send(url, query))).toEqual(['UNAUTHENTICATED', 'UNAUTHENTICATED'])
    expect(codes(await send(url, '{ users { totalCount } }', {}, { token }))).toEqual(['FORBIDDEN'])
    // What the schema knows about an operation survives the merge: this one checks a secret.
    const guess = 'login(input: { identifier: "a", password: "b" }) { __typename }'
    const guesses = `mutation { ${['a', 'b', 'c', 'd'].map(alias => `${alias}: ${guess}`).join(' ')} }`
    expect(codes(await send(url, guesses))).toEqual(['QUERY_TOO_COMPLEX'])
    await stop()
  },
  INSTALL_TIMEOUT_MS,
)
