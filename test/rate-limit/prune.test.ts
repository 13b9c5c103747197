import { afterEach, expect, jest, test } from '@jest/globals'
import { keepLimitsPruned, pruneLimits } from '../../src/rate-limit/prune.ts'
import { Login } from '../support/operations.ts'
import { codes, PASSWORD, useService } from '../support/service.ts'

const service = useService({ settings: { LIMIT_LOGIN_ACCOUNT: '2/10m', LIMIT_LOGIN_NETWORK: '9999/5m' } })
afterEach(() => void jest.useRealTimers())

const rows = () => service.app.db.rateLimit
const login = (identifier: string) => service.send(Login, { input: { identifier, password: PASSWORD } })

test('a flood of made-up names leaves short rows, all of which go when they no longer count', async () => {
  await service.app.pool.query(
    `INSERT INTO rate_limits SELECT 'made up ' || n, 1, $1, 0, NULL FROM generate_series(1, 2500) n`,
    [service.clock.now()],
  )
  for (const name of ['x'.repeat(320), '💥'.repeat(160), `${'y'.repeat(250)}@example.com`]) await login(name)
  const keys = await rows().findMany({ where: { NOT: { key: { startsWith: 'made up' } } } })
  expect(keys).toHaveLength(4)
  for (const { key } of keys) expect(key.length).toBeLessThan(100)

  await pruneLimits(service.app)
  expect(await rows().count()).toBe(4)
  service.clock.advance(301)
  await pruneLimits(service.app)
  expect(await rows().count()).toBe(3)
  service.clock.advance(300)
  await pruneLimits(service.app)
  expect(await rows().count()).toBe(0)
})

test('a block and its back-off are kept', async () => {
  for (const _ of [1, 2, 3]) await login('somebody')
  service.clock.advance(29)
  await pruneLimits(service.app)
  expect(codes(await login('somebody'))).toEqual(['RATE_LIMITED'])
  service.clock.advance(1 + 599)
  await pruneLimits(service.app)
  expect(codes(await login('somebody'))).toEqual(['INVALID_CREDENTIALS'])
  expect((await login('somebody')).errors).toMatchObject([{ extensions: { retryAfter: 60 } }])
})

test('a service prunes every minute, and goes on when it cannot', async () => {
  jest.useFakeTimers()
  const seen: string[] = []
  let outcome = () => Promise.reject<never>(new Error('the database is away'))
  const query = () => {
    seen.push('pruned')
    return outcome()
  }
  const warn = (_facts: unknown, message: string) => void seen.push(message)
  const stop = keepLimitsPruned({
    ...service.app,
    pool: { query } as unknown as typeof service.app.pool,
    log: { warn } as unknown as typeof service.app.log,
  })
  await jest.advanceTimersByTimeAsync(60_000)
  expect(seen).toEqual(['pruned', 'expired rate limits could not be deleted'])
  outcome = () => Promise.resolve({ rows: [] } as never)
  await jest.advanceTimersByTimeAsync(60_000)
  expect(seen.splice(0)).toHaveLength(3)
  await stop()
  await jest.advanceTimersByTimeAsync(600_000)
  expect(seen).toEqual([])
})
