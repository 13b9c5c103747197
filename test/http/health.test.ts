import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { type ServerProcess, startProcess } from '../support/process.ts'
import { type DatabaseProxy, startProxy } from '../support/proxy.ts'
import { useService } from '../support/service.ts'

const service = useService()

// A separate process, because in Jest the errors of Node's network code aren't instances of Error.
let database: TestDatabase
let line: DatabaseProxy
let server: ServerProcess

beforeAll(async () => {
  database = await createDatabase()
  line = await startProxy(database.url)
  server = await startProcess({ DATABASE_URL: line.url })
})

afterAll(async () => {
  server.kill('SIGTERM')
  await server.ended
  await line.cut()
  await database.drop()
})

type Answer = { status: number; body: unknown }

async function get(path: string, url = server.url): Promise<Answer> {
  const response = await fetch(`${url}${path}`)
  return { status: response.status, body: await response.json() }
}

const ok = { status: 200, body: { status: 'ok' } }

test('a server that has started is live and ready', async () => {
  expect(await get('/healthz')).toEqual(ok)
  expect(await get('/readyz')).toEqual(ok)
})

test('a server with a pending migration is live but not ready', async () => {
  await service.app.pool.query('UPDATE _prisma_migrations SET finished_at = NULL')
  expect(await get('/readyz', service.url)).toEqual({
    status: 503,
    body: {
      status: 'migrations pending',
      pending: expect.arrayContaining([expect.stringMatching(/^\d{14}_\w+$/)]),
    },
  })
  expect(await get('/healthz', service.url)).toEqual(ok)
  await service.app.pool.query('UPDATE _prisma_migrations SET finished_at = now()')
  expect(await get('/readyz', service.url)).toEqual(ok)
})

test('a server without its database is live but not ready, and becomes ready when the database returns', async () => {
  await line.cut()
  expect(await get('/readyz')).toEqual({ status: 503, body: { status: 'database unreachable' } })
  expect(await get('/healthz')).toEqual(ok)
  expect((await fetch(`${server.url}/metrics`)).status).toBe(200)
  await line.restore()
  expect(await get('/readyz')).toEqual(ok)
})

test('without the database, clients receive SERVICE_UNAVAILABLE and no details', async () => {
  const login = async (): Promise<Answer> => {
    const response = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        query: 'mutation { login(input: { identifier: "ada@example.com", password: "no" }) { __typename } }',
      }),
    })
    return { status: response.status, body: await response.json() }
  }
  await line.cut()
  const answers = [await login(), await login()]
  const away = {
    message: 'The server is busy. Try again in a moment.',
    locations: [expect.anything()],
    path: ['login'],
    extensions: { code: 'SERVICE_UNAVAILABLE', retryAfter: 2 },
  }
  expect(answers.map(({ body }) => body)).toEqual([
    { data: null, errors: [away] },
    { data: null, errors: [away] },
  ])
  await line.restore()
  expect((await login()).body).toMatchObject({ errors: [{ extensions: { code: 'INVALID_CREDENTIALS' } }] })
  expect(server.stdout.join()).toContain('ECONNREFUSED')
})
