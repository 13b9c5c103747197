import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { App } from '../../src/app.ts'
import { NO_REQUEST } from '../../src/audit/record.ts'
import { addSeconds } from '../../src/clock.ts'
import { prune } from '../../src/maintenance/prune.ts'
import { type Attempt, countAttempt, forgiveAttempts, LimitHit } from '../../src/rate-limit/limit.ts'
import { type Service, startService, useService } from '../support/service.ts'

const FREE = 3
const WINDOW = 600
const settings = {
  LIMIT_LOGIN_ACCOUNT: `${FREE}/10m`,
  LIMIT_LOGIN_NETWORK: '20/10m',
  DATABASE_POOL_SIZE: '20',
}
const service = useService({ settings })
let replica: Service
beforeAll(async () => {
  replica = await startService({ databaseUrl: service.app.config.database.url ?? '', settings })
})
afterAll(() => replica.close())

const request = {
  ...NO_REQUEST,
  requestId: 'test',
  bearerToken: undefined,
  refreshCookie: undefined,
  deviceCookie: undefined,
}
const newAccount = (): Attempt => ({ rule: 'login.account', subject: randomUUID() })
/** With more attempts than a test makes. */
const newPayer = (): Attempt => ({ rule: 'work.account', subject: randomUUID() })
const newNetwork = (): Attempt => ({ rule: 'login.network', subject: randomUUID() })

/** The app at a time that stands still until it is moved. */
function stopped({ app }: Service) {
  let now = new Date()
  const at: App = { ...app, clock: { now: () => now } }
  const advance = (seconds: number) => {
    now = addSeconds(now, seconds)
  }
  return { app: at, advance }
}

/** For how many seconds the attempt is refused; 0 where it is free. */
async function waitOf(app: App, ...attempts: Attempt[]): Promise<number> {
  try {
    await countAttempt(app, attempts, request)
    return 0
  } catch (error) {
    if (!(error instanceof LimitHit)) throw error
    return Number(error.extensions.retryAfter)
  }
}

async function spend(app: App, attempt: Attempt): Promise<void> {
  for (let count = 0; count < FREE; count++) expect(await waitOf(app, attempt)).toBe(0)
}

describe('when the free attempts are spent', () => {
  test('each block is twice as long as the one before, up to an hour, with one attempt between', async () => {
    const { app, advance } = stopped(service)
    const account = newAccount()
    await spend(app, account)
    for (const wait of [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]) {
      expect(await waitOf(app, account)).toBe(wait)
      advance(wait)
      expect(await waitOf(app, account)).toBe(0)
    }
  })

  test('an attempt during a block neither lengthens it nor is put on record again', async () => {
    const { app, advance } = stopped(service)
    const account = newAccount()
    await spend(app, account)
    const hits = () => service.app.db.auditEvent.count({ where: { action: 'limit.hit' } })
    const before = await hits()
    expect(await waitOf(app, account)).toBe(30)
    advance(29)
    for (let count = 0; count < 50; count++) expect(await waitOf(app, account)).toBe(1)
    expect(await hits()).toBe(before + 1)
    advance(1)
    expect(await waitOf(app, account)).toBe(0)
  })

  test.each([
    ['with its window', 0, WINDOW],
    ['a window after the last block', 1, 30 + WINDOW],
  ])('the count starts anew %s, and the back-off too', async (_case, blocks, seconds) => {
    const { app, advance } = stopped(service)
    const account = newAccount()
    await spend(app, account)
    for (let count = 0; count < blocks; count++) expect(await waitOf(app, account)).toBe(30)
    advance(seconds)
    await spend(app, account)
    expect(await waitOf(app, account)).toBe(30)
  })

  test('a proof starts it anew, and takes one attempt of the network back', async () => {
    const { app } = stopped(service)
    const [account, network] = [newAccount(), newNetwork()]
    await spend(app, account)
    for (let count = 0; count < 20; count++) expect(await waitOf(app, network)).toBe(0)
    await forgiveAttempts(app, [account], [network])
    await spend(app, account)
    expect(await waitOf(app, network)).toBe(0)
    expect(await waitOf(app, network)).toBe(30)
  })

  test('an attempt that pays for giving others back does so only if it is free itself', async () => {
    const { app } = stopped(service)
    const [payer, account, network] = [newAccount(), newAccount(), newNetwork()]
    for (let count = 0; count < 20; count++) expect(await waitOf(app, network)).toBe(0)
    const pay = async () => {
      await spend(app, account)
      await countAttempt(app, [payer], request, { whole: [account], single: [network] })
      expect(await waitOf(app, network)).toBe(0)
    }
    for (let count = 0; count < FREE; count++) await pay()
    await spend(app, account)
    await expect(
      countAttempt(app, [payer], request, { whole: [account], single: [network] }),
    ).rejects.toThrow(LimitHit)
    expect(await waitOf(app, account)).toBe(30)
    expect(await waitOf(app, network)).toBe(30)
  })

  test('what comes after is not counted', async () => {
    const { app } = stopped(service)
    const [first, second] = [newAccount(), newAccount()]
    await spend(app, first)
    for (let count = 0; count < 9; count++) expect(await waitOf(app, first, second)).toBe(30)
    await spend(app, second)
  })
})

test('of concurrent attempts on two replicas, exactly as many are allowed as the rule says', async () => {
  const attempts = fc.array(fc.boolean(), { minLength: 1, maxLength: 60 })
  await fc.assert(
    fc.asyncProperty(attempts, fc.integer({ min: 0, max: FREE }), async (ofReplica, before) => {
      const { app } = stopped(service)
      const other = { ...replica.app, clock: app.clock }
      const account = newAccount()
      for (let count = 0; count < before; count++) await waitOf(app, account)
      const waits = await Promise.all(ofReplica.map(is => waitOf(is ? other : app, account)))
      expect(waits.filter(wait => wait === 0)).toHaveLength(Math.min(ofReplica.length, FREE - before))
      expect(new Set(waits.filter(wait => wait > 0)).size).toBeLessThanOrEqual(1)
      expect(waits.every(wait => wait === 0 || wait === 30)).toBe(true)
    }),
    { numRuns: 40 },
  )
})

test('concurrent counting, forgiving and pruning on the same keys never fail or deadlock', async () => {
  const action = fc.record({
    kind: fc.constantFrom('count', 'count', 'count', 'forgive', 'pay', 'prune'),
    account: fc.nat(2),
    network: fc.nat(1),
    ofReplica: fc.boolean(),
    late: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 20, maxLength: 60 }), async actions => {
      const accounts = [newAccount(), newAccount(), newAccount()]
      const networks = [newNetwork(), newNetwork()]
      const payers = [newPayer(), newPayer(), newPayer()]
      const { app, advance } = stopped(service)
      const early = app.clock.now()
      advance(2 * WINDOW)
      const outcomes = actions.map(({ kind, account, network, ofReplica, late }) => {
        const clock = late ? app.clock : { now: () => early }
        const at = { ...(ofReplica ? replica : service).app, clock }
        const keys = [networks[network]!, accounts[account]!] as const
        if (kind === 'count') return waitOf(at, ...keys)
        if (kind === 'prune') return prune(at)
        if (kind === 'forgive') return forgiveAttempts(at, [keys[1]], [keys[0]])
        return countAttempt(at, [payers[account]!], request, { whole: [keys[1]], single: [keys[0]] })
      })
      await expect(Promise.all(outcomes)).resolves.toHaveLength(actions.length)
    }),
    { numRuns: 40 },
  )
})
