import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { newAddress, PASSWORD, signUp } from '../support/actors.ts'
import { Login, Me, Refresh, VerifyEmail } from '../support/operations.ts'
import { whileHolding } from '../support/race.ts'
import { codes, type Reply, type Service, startService, useService } from '../support/service.ts'

/** The addresses of clients are what they say in X-Forwarded-For. */
const settings = {
  TRUSTED_PROXIES: '127.0.0.1, ::1',
  LIMIT_LOGIN_ACCOUNT: '3/15m',
  LIMIT_LOGIN_NETWORK: '5/15m',
  LIMIT_REFRESH_NETWORK: '3/15m',
  LIMIT_TOKEN_NETWORK: '3/15m',
  DATABASE_POOL_SIZE: '2',
}
const service = useService({ settings, impatient: true })
let replica: Service
beforeAll(async () => {
  const databaseUrl = service.app.config.database.url ?? ''
  replica = await startService({ databaseUrl, settings, clock: service.clock, impatient: true })
})
afterAll(() => replica.close())

let network = 0
/** The headers of a client in a network that no client has come from before. */
function elsewhere() {
  network += 1
  return { 'x-forwarded-for': `198.19.${network >> 8}.${network & 255}` }
}

type Send = (on?: Service) => Promise<Reply<unknown>>

/** What a client of one address may send again and again, and never with success. */
const floods: [what: string, start: () => Send][] = [
  [
    'sign-ins',
    () => {
      const headers = elsewhere()
      return (on = service) => {
        const input = { identifier: newAddress(), password: PASSWORD }
        return on.send(Login, { input }, { headers })
      }
    },
  ],
  [
    'bad refresh tokens',
    () => {
      const headers = elsewhere()
      return (on = service) => {
        const refreshToken = `${randomUUID()}.0.${randomBytes(32).toString('base64url')}`
        return on.send(Refresh, { input: { refreshToken } }, { headers })
      }
    },
  ],
  [
    'bad links',
    () => {
      const headers = elsewhere()
      return (on = service) =>
        on.send(VerifyEmail, { input: { token: randomBytes(32).toString('base64url') } }, { headers })
    },
  ],
]

/** Sends until the address is blocked. */
async function block(send: Send): Promise<void> {
  for (let sent = 0; sent < 10; sent++) {
    if (codes(await send())[0] === 'RATE_LIMITED') return
  }
  throw new Error('10 attempts should be too many')
}

/** Runs `run` while another transaction holds every row that attempts are counted in. */
function whileCounted<Result>(run: () => Promise<Result>): Promise<Result> {
  const lock = 'SELECT FROM rate_limits FOR UPDATE'
  return whileHolding(service.app.config.database.url ?? '', lock, run)
}

describe.each(floods)('%s from an address that is blocked', (_what, start) => {
  test('are refused immediately on every replica while attempts are being counted', async () => {
    const send = start()
    await block(send)
    const replies = await whileCounted(() => Promise.all([send(service), send(replica)]))
    expect(replies.flatMap(codes)).toEqual(['RATE_LIMITED', 'RATE_LIMITED'])
  })

  test('are counted no more: the process that has refused one knows', async () => {
    const send = start()
    await block(send)
    let counted = 0
    const note = () => {
      counted += 1
    }
    const { pool } = service.app.limiter
    pool.on('acquire', note)
    try {
      const replies = await Promise.all(Array.from({ length: 40 }, () => send()))
      expect(new Set(replies.flatMap(codes))).toEqual(new Set(['RATE_LIMITED']))
    } finally {
      pool.off('acquire', note)
    }
    // Each second, one of them asks whether the block is still there.
    expect(counted).toBeLessThanOrEqual(5)
  })
})

test('sessions are looked up even if all connections for counting attempts are in use', async () => {
  const { accessToken: token, id } = await signUp(service)
  const [, start] = floods[0]!
  const send = start()
  await send()
  await whileCounted(async () => {
    const waiting = Promise.all(Array.from({ length: 20 }, () => send()))
    for (let count = 0; count < 10; count++) {
      const { data } = await service.send(Me, {}, { token })
      expect(data?.me?.id).toBe(id)
    }
    await waiting
  })
  // They could not be counted, so none of them was tried.
  service.logged.splice(0)
})

test('an attempt whose connection breaks while it is counted is SERVICE_UNAVAILABLE, and the server keeps working', async () => {
  const { accessToken: token, id } = await signUp(service)
  const send = floods[0]![1]()
  await send()
  const url = service.app.config.database.url ?? ''
  const [reply] = await whileHolding(url, 'SELECT FROM rate_limits FOR UPDATE', async waiting => {
    const sent = send()
    await waiting(1)
    await service.app.pool.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE wait_event_type = 'Lock' AND datname = current_database()`,
    )
    return [await sent]
  })
  expect(reply?.errors).toMatchObject([{ extensions: { code: 'SERVICE_UNAVAILABLE' } }])
  service.logged.splice(0)
  expect((await service.send(Me, {}, { token })).data?.me?.id).toBe(id)
  expect(codes(await send())).toEqual(['INVALID_CREDENTIALS'])
})

describe('a block that another replica lifts', () => {
  test('ends here within a second', async () => {
    const account = await signUp(service)
    const login = (password: string, on: Service) =>
      on.send(Login, { input: { identifier: account.email, password } }, { headers: elsewhere() })
    for (let count = 0; count < 3; count++) await login('wrong', service)
    expect(codes(await login(PASSWORD, service))).toEqual(['RATE_LIMITED'])
    await replica.app.pool.query('DELETE FROM rate_limits')
    service.clock.advance(1)
    expect(codes(await login(PASSWORD, service))).toEqual([])
  })
})
