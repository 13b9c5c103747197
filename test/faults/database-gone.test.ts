import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { PASSWORD, type SignedIn, signIn, signUp } from '../support/actors.ts'
import { takeNativeErrorsForErrors } from '../support/native-errors.ts'
import {
  ChangePassword,
  Login,
  Logout,
  Me,
  MySessions,
  Register,
  RevokeSession,
  Roles,
  UpdateProfile,
} from '../support/operations.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { type DatabaseProxy, startProxy } from '../support/proxy.ts'
import { codes, type Reply, type Service, startService } from '../support/service.ts'
import { countEvents, pairOf, refresh, refreshed, stateOf } from '../support/sessions.ts'

const ANSWER_MS = 2000
const RECOVERY_MS = 5000
const NEW_PASSWORD = 'eighteen copper engines'

let database: TestDatabase
let proxy: DatabaseProxy
let service: Service
let account: SignedIn

beforeAll(async () => {
  takeNativeErrorsForErrors()
  database = await createDatabase()
  proxy = await startProxy(database.url)
  service = await startService({ databaseUrl: proxy.url, impatient: true })
})
afterAll(async () => {
  await service.close()
  await proxy.close()
  await database.drop()
})
beforeEach(async () => {
  account = await signUp(service)
})
afterEach(async () => {
  await proxy.restore()
  await untilReady()
  service.logged.splice(0)
})

async function untilReady(): Promise<number> {
  const start = performance.now()
  while (performance.now() - start < RECOVERY_MS) {
    if ((await fetch(`${service.url}/readyz`)).status === 200) return performance.now() - start
    await sleep(50)
  }
  throw new Error('not ready after 5 s')
}

type Operation = [name: string, send: () => Promise<Reply<unknown>>]
const operations: Operation[] = [
  ['login', () => service.send(Login, { input: { identifier: account.email, password: PASSWORD } })],
  [
    'login of an unknown user',
    () => service.send(Login, { input: { identifier: 'unknown@example.com', password: PASSWORD } }),
  ],
  ['register', () => service.send(Register, { input: { email: 'new@example.com', password: PASSWORD } })],
  ['refreshToken', () => refresh(service, account.refreshToken)],
  ['logout', () => service.send(Logout, {}, { token: account.accessToken })],
  ['me', () => service.send(Me, {}, { token: account.accessToken })],
  ['sessions', () => service.send(MySessions, {}, { token: account.accessToken })],
  ['roles', () => service.send(Roles, {}, { token: account.accessToken })],
  [
    'revokeSession',
    () => service.send(RevokeSession, { id: account.sessionId }, { token: account.accessToken }),
  ],
  [
    'updateProfile',
    () => service.send(UpdateProfile, { input: { displayName: 'Ada' } }, { token: account.accessToken }),
  ],
  [
    'changePassword',
    () =>
      service.send(
        ChangePassword,
        { input: { currentPassword: PASSWORD, newPassword: NEW_PASSWORD } },
        { token: account.accessToken },
      ),
  ],
]

/** What a reply gives away. */
function given({ data }: Reply<unknown>): unknown[] {
  return Object.values(data ?? {}).filter(value => value !== null)
}

describe.each<[name: string, take: () => Promise<void> | void]>([
  ['refuses connections', () => proxy.cut()],
  ['has fallen silent', () => proxy.stall()],
])('while the database %s', (_name, take) => {
  test('every operation returns SERVICE_UNAVAILABLE within 2 s', async () => {
    await take()
    const results = await Promise.all(
      operations.map(async ([name, send]) => {
        const start = performance.now()
        const reply = await send()
        const inTime = performance.now() - start < ANSWER_MS
        return { name, given: given(reply), codes: codes(reply), inTime }
      }),
    )
    expect(results).toEqual(
      operations.map(([name]) => ({ name, given: [], codes: ['SERVICE_UNAVAILABLE'], inTime: true })),
    )
  })

  test('more requests than connections all fail, with a delay of less than 2 s', async () => {
    // With a small pool, a few requests are enough; more would measure how fast this process can send them.
    const settings = { DATABASE_POOL_SIZE: '2' }
    const small = await startService({ databaseUrl: proxy.url, settings, impatient: true })
    try {
      const { accessToken: token } = await signUp(small)
      const sendAll = () => Promise.all(Array.from({ length: 20 }, () => small.send(Me, {}, { token })))
      const start = performance.now()
      expect((await sendAll()).flatMap(codes)).toEqual([])
      // On a busy machine, sending and answering alone can take a second.
      const usualMs = performance.now() - start
      await take()
      const outageStart = performance.now()
      const replies = await sendAll()
      expect(performance.now() - outageStart - usualMs).toBeLessThan(ANSWER_MS)
      expect(replies.map(codes)).toEqual(replies.map(() => ['SERVICE_UNAVAILABLE']))
    } finally {
      await proxy.restore()
      await small.close()
    }
  })

  test('/healthz succeeds, /readyz fails, and everything that needs no database is served', async () => {
    await take()
    const paths = ['/healthz', '/readyz', '/.well-known/jwks.json', '/metrics']
    const answers = await Promise.all(paths.map(path => fetch(`${service.url}${path}`)))
    expect(answers.map(({ status }) => status)).toEqual([200, 503, 200, 200])
    const reply = await service.send('{ authSettings { registrationOpen } }')
    expect(codes(reply)).toEqual([])
  })

  test('the service recovers within 5 s of its return, and no acknowledged change is lost', async () => {
    const other = await signIn(service, account.email)
    const pair = await refreshed(service, account.refreshToken)
    await take()
    await refresh(service, pair.refreshToken)
    await proxy.restore()
    expect(await untilReady()).toBeLessThan(RECOVERY_MS)
    expect(await stateOf(service, other.accessToken)).toBe('LIVE')
    const next = await refreshed(service, pair.refreshToken)
    await refreshed(service, next.refreshToken)
  })
})

/** Sends the request when everything before it has been answered, and the line falls silent with it. */
async function duringStall(send: () => Promise<Reply<unknown>>): Promise<void> {
  // Connections that are at hand, so that the statement itself is what gets no answer.
  await Promise.all([1, 2, 3].map(() => service.send(Me, {}, { token: account.accessToken })))
  proxy.stall()
  expect(codes(await send())).toEqual(['SERVICE_UNAVAILABLE'])
}

describe('a statement without an answer', () => {
  test('in a refresh can be repeated with the same token, whether or not it took effect', async () => {
    await duringStall(() => refresh(service, account.refreshToken))
    await proxy.restore()
    await untilReady()
    const pair = await refreshed(service, account.refreshToken)
    expect(await stateOf(service, pair.accessToken)).toBe('LIVE')
    await refreshed(service, pair.refreshToken)
    expect(await countEvents(service, account.sessionId, 'session.reuse_detected')).toBe(0)
  })

  test('leaves no connection in use', async () => {
    const replies = Array.from({ length: 15 }, () =>
      service.send(RevokeSession, { id: account.sessionId }, { token: account.accessToken }),
    )
    proxy.stall()
    await Promise.all(replies)
    await proxy.restore()
    await untilReady()
    const { pool } = service.app
    const inUse = () => pool.totalCount - pool.idleCount + pool.waitingCount
    // The chores of the replica use one now and then.
    for (let turn = 0; turn < 20 && inUse() > 0; turn++) await sleep(100)
    expect(inUse()).toBe(0)
  })

  test('in a transaction leaves no open transaction in the pool', async () => {
    const { db, pool } = service.app
    const attempt = db.$transaction(async tx => {
      await tx.user.update({ where: { id: account.id }, data: { displayName: 'half way' } })
      proxy.stall()
      await tx.user.update({ where: { id: account.id }, data: { displayName: 'further' } })
    })
    await expect(attempt).rejects.toThrow()
    await proxy.restore()
    await untilReady()
    const inTransaction = await pool.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'`,
    )
    expect(inTransaction.rowCount).toBe(0)
    const row = await db.user.findUniqueOrThrow({ where: { id: account.id } })
    expect(row.displayName).toBeNull()
  })
})

describe('a network that returns without the old connections', () => {
  test('fails no more than the requests in flight', async () => {
    const { pool, limiter } = service.app
    await Promise.all(Array.from({ length: 20 }, () => pool.query('SELECT 1')))
    await refresh(service, 'garbage')
    expect([pool.idleCount > 5, limiter.pool.idleCount > 0]).toEqual([true, true])
    proxy.stall()
    expect(codes(await refresh(service, account.refreshToken))).toEqual(['SERVICE_UNAVAILABLE'])
    proxy.abandon()
    const pair = await refreshed(service, account.refreshToken)
    for (let i = 0; i < 20; i++) expect(await stateOf(service, pair.accessToken)).toBe('LIVE')
    expect(codes(await refresh(service, 'garbage'))).toEqual(['REFRESH_TOKEN_INVALID'])
  })

  test('does not keep the locks of an interrupted transaction', async () => {
    const { db } = service.app
    const attempt = db.$transaction(async tx => {
      await tx.session.update({ where: { id: account.sessionId }, data: { deviceName: 'lost' } })
      proxy.stall()
      await tx.session.update({ where: { id: account.sessionId }, data: { deviceName: 'lost' } })
    })
    await expect(attempt).rejects.toThrow()
    proxy.abandon()
    const start = performance.now()
    let reply = await refresh(service, account.refreshToken)
    while (codes(reply).length > 0 && performance.now() - start < 8000) {
      expect(codes(reply)).toEqual(['SERVICE_UNAVAILABLE'])
      reply = await refresh(service, account.refreshToken)
    }
    pairOf(reply)
    expect(performance.now() - start).toBeLessThan(RECOVERY_MS + 1000)
  })
})
