import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import { PASSWORD } from '../support/actors.ts'
import { Login, Settings } from '../support/operations.ts'
import { startService, useService } from '../support/service.ts'

const TOKEN = 'a token for the metrics'
// One hash at a time, slow enough to observe.
const service = useService({
  settings: {
    HASH_CONCURRENCY: '1',
    ARGON2_MEMORY_KIB: '8192',
    ARGON2_TIME_COST: '40',
    HASH_WAIT_MS: '30000',
  },
})

async function metrics(url = service.url, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}/metrics`, { headers })
}

/** The value of a sample such as `name{label="value"}`. */
async function sample(name: string): Promise<number> {
  return valueIn(await (await metrics()).text(), name)
}

function valueIn(text: string, name: string): number {
  const line = text.split('\n').find(each => each.startsWith(`${name} `))
  return Number(line?.split(' ').at(-1))
}

const requests = (operation: string, code: string) =>
  sample(`authograph_operations_total{operation="${operation}",code="${code}"}`)

test('the metrics are in Prometheus’s text format', async () => {
  const response = await metrics()
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
  expect(await response.text()).toMatch(/^# HELP \w+ .+\n# TYPE \w+ (counter|gauge|histogram|summary)\n/)
})

test('requests are counted by operation and code', async () => {
  await service.send(Settings)
  await service.send(Settings)
  await service.send(Login, { input: { identifier: 'unknown@example.com', password: PASSWORD } })
  expect(await requests('query.authSettings', 'OK')).toBe(2)
  expect(await requests('mutation.login', 'INVALID_CREDENTIALS')).toBe(1)
})

test('clients cannot create labels', async () => {
  await service.send('query Canary { canary: __typename }')
  await service.send('query Canary { canary }')
  await service.send('query Canary { ...canary } fragment canary on Query { __typename }')
  await service.send('canary')
  const text = await (await metrics()).text()
  expect(text).not.toMatch(/canary/i)
  expect(await requests('query.__typename', 'OK')).toBe(1)
  expect(await requests('other', 'BAD_USER_INPUT')).toBe(2)
})

test('the metrics count active and waiting hashes', async () => {
  const hashes = [1, 2, 3].map(() => service.app.hasher.hash(PASSWORD))
  const text = await (await metrics()).text()
  expect(valueIn(text, 'authograph_password_hashes{state="active"}')).toBe(1)
  expect(valueIn(text, 'authograph_password_hashes{state="waiting"}')).toBeGreaterThan(0)
  await Promise.all(hashes)
  expect(await sample('authograph_password_hashes{state="active"}')).toBe(0)
  expect(await sample('authograph_password_hashes{state="waiting"}')).toBe(0)
})

test('the metrics count database connections and the requests waiting for one', async () => {
  const { pool, config } = service.app
  const clients = await Promise.all(Array.from({ length: config.database.poolSize }, () => pool.connect()))
  const late = pool.query('SELECT 1')
  expect(await sample('authograph_database_connections{state="busy"}')).toBe(clients.length)
  // The server's background tasks may wait as well.
  expect(await sample('authograph_database_connections{state="waiting"}')).toBeGreaterThanOrEqual(1)
  for (const client of clients) client.release()
  await late
  while ((await sample('authograph_database_connections{state="busy"}')) > 0) await sleep(20)
  expect(await sample('authograph_database_connections{state="waiting"}')).toBe(0)
})

test('the metrics include the event loop’s lag', async () => {
  expect(await sample('nodejs_eventloop_lag_seconds')).toBeGreaterThanOrEqual(0)
  expect(await sample('nodejs_eventloop_lag_p99_seconds')).toBeGreaterThanOrEqual(0)
})

test('in production the metrics require their token', async () => {
  const guarded = await startService({ settings: { NODE_ENV: 'production', METRICS_TOKEN: TOKEN } })
  const statuses = await Promise.all(
    [
      {},
      { authorization: 'Bearer wrong' },
      { authorization: TOKEN },
      { authorization: `Bearer ${TOKEN}` },
    ].map(async headers => (await metrics(guarded.url, headers)).status),
  )
  expect(statuses).toEqual([401, 401, 401, 200])
  expect(await (await metrics(guarded.url)).text()).toBe('')
  await guarded.close()
})

test('without METRICS_TOKEN, production has no metrics', async () => {
  const closed = await startService({ settings: { NODE_ENV: 'production' } })
  expect((await metrics(closed.url)).status).toBe(404)
  expect((await metrics(closed.url, { authorization: 'Bearer undefined' })).status).toBe(404)
  await closed.close()
})
