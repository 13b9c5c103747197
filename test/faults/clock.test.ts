import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { type SignedIn, signIn, signUp } from '../support/actors.ts'
import { TestClock } from '../support/clock.ts'
import { Login } from '../support/operations.ts'
import { codes, type Service, startService } from '../support/service.ts'
import {
  countEvents,
  DAY,
  expectDead,
  HOUR,
  MINUTE,
  refresh,
  refreshed,
  stateOf,
} from '../support/sessions.ts'

const STEP = 36 * HOUR
const IDLE = 30 * DAY

let service: Service
beforeEach(async () => {
  service = await startService()
})
afterEach(async () => {
  expect(service.logged).toEqual([])
  await service.close()
})

/** The session is live, and a chain of refreshes goes on without a reuse being seen in it. */
async function expectGoesOn(at: Service, account: SignedIn, refreshToken = account.refreshToken) {
  const pair = await refreshed(at, refreshToken)
  expect(await stateOf(at, pair.accessToken)).toBe('LIVE')
  const next = await refreshed(at, pair.refreshToken)
  expect(await stateOf(at, next.accessToken)).toBe('LIVE')
  expect(await countEvents(at, account.sessionId, 'session.reuse_detected')).toBe(0)
  return next
}

/** Seconds that a session has left by this clock, having seen it alive just before its end and dead after. */
async function lifeOf(at: Service, [early, late]: [SignedIn, SignedIn]): Promise<number> {
  const { expiresAt } = await at.app.db.session.findUniqueOrThrow({ where: { id: early.sessionId } })
  const seconds = (expiresAt.getTime() - at.clock.now().getTime()) / 1000
  at.clock.advance(seconds - MINUTE)
  await refreshed(at, early.refreshToken)
  at.clock.advance(2 * MINUTE)
  expect(codes(await refresh(at, late.refreshToken))).toEqual(['REFRESH_TOKEN_INVALID'])
  return seconds
}

async function twoSessions(at: Service): Promise<[SignedIn, SignedIn]> {
  const first = await signUp(at)
  return [first, await signIn(at, first.email)]
}

describe.each([
  // The clock that all go by is the database's; what the machines' own do is in machine-clock.test.ts.
  ['steps ahead', STEP],
  ['steps back', -STEP],
])('when the database’s clock %s by 36 h', (_name, step) => {
  test('a session continues, even in the middle of a chain of refreshes', async () => {
    const account = await signUp(service)
    const fresh = await signUp(service)
    const { refreshToken } = await refreshed(service, account.refreshToken)
    service.clock.advance(step)
    await expectGoesOn(service, account, refreshToken)
    await expectGoesOn(service, fresh)
  })

  test('an access token is valid for no longer than its lifetime plus the step', async () => {
    const { accessToken } = await signUp(service)
    service.clock.advance(step)
    // Ahead it has expired, back it is from the future; either way the client refreshes.
    expect(await stateOf(service, accessToken)).toBe(step > 0 ? 'EXPIRED' : 'INVALID')
    service.clock.advance(Math.max(0, -step) + 11 * MINUTE)
    expect(await stateOf(service, accessToken)).toBe('EXPIRED')
  })

  test('a session expires 30 days after its last use, plus or minus the step', async () => {
    const sessions = await twoSessions(service)
    service.clock.advance(step)
    expect(Math.abs((await lifeOf(service, sessions)) - IDLE)).toBeLessThan(STEP + MINUTE)
  })

  test('reuse is still detected, and revoked sessions stay revoked', async () => {
    const account = await signUp(service)
    const { refreshToken } = await refreshed(service, account.refreshToken)
    const current = await refreshed(service, refreshToken)
    service.clock.advance(step)
    expect(codes(await refresh(service, account.refreshToken))).toEqual(['REFRESH_TOKEN_INVALID'])
    expect(codes(await refresh(service, current.refreshToken))).toEqual(['REFRESH_TOKEN_INVALID'])
    service.clock.advance(-step)
    await expectDead(service, current)
  })

  test('a client that lost a response shortly before stays signed in', async () => {
    const account = await signUp(service)
    await refreshed(service, account.refreshToken)
    service.clock.advance(step)
    await expectGoesOn(service, account)
  })

  test('a login block lasts no longer than intended plus the step', async () => {
    const account = await signUp(service)
    const login = (password: string) =>
      service.send(Login, { input: { identifier: account.email, password } })
    const hit = async () => {
      for (let attempt = 0; attempt < 25; attempt++) {
        const reply = await login('no such password')
        if (codes(reply)[0] === 'RATE_LIMITED') return Number(reply.errors[0]?.extensions.retryAfter)
      }
      throw new Error('never limited')
    }
    expect(await hit()).toBeLessThanOrEqual(30)
    service.clock.advance(step)
    service.clock.advance(Math.max(0, -step) + 31)
    await signIn(service, account.email)
  })
})

test('keys still sign and verify when the clock is before the first key', async () => {
  service.clock.advance(-STEP)
  const account = await signUp(service)
  expect(await stateOf(service, account.accessToken)).toBe('LIVE')
  service.clock.advance(STEP)
  await expectGoesOn(service, account)
})

describe.each([
  ['ahead', STEP],
  ['behind', -STEP],
])('with a replica whose clock is 36 h %s', (_name, offset) => {
  let replica: Service
  beforeEach(async () => {
    const clock = new TestClock()
    clock.advance(offset)
    replica = await startService({ databaseUrl: service.app.config.database.url ?? '', clock })
  })
  afterEach(() => replica.close())

  test('a session continues on both replicas', async () => {
    const account = await signUp(service)
    let { refreshToken } = account
    for (const at of [replica, service, replica, replica, service, service]) {
      const pair = await refreshed(at, refreshToken)
      expect(await stateOf(at, pair.accessToken)).toBe('LIVE')
      refreshToken = pair.refreshToken
    }
    expect(await countEvents(service, account.sessionId, 'session.reuse_detected')).toBe(0)
  })

  test('revocation and reuse detection work across both', async () => {
    const account = await signUp(replica)
    const second = await refreshed(service, account.refreshToken)
    const third = await refreshed(replica, second.refreshToken)
    expect(codes(await refresh(service, account.refreshToken))).toEqual(['REFRESH_TOKEN_INVALID'])
    expect(codes(await refresh(replica, third.refreshToken))).toEqual(['REFRESH_TOKEN_INVALID'])
    expect(await countEvents(service, account.sessionId, 'session.reuse_detected')).toBe(1)
  })

  test('a session started on the replica lasts 30 days on both, plus or minus the step', async () => {
    const sessions = await twoSessions(replica)
    expect(Math.abs((await lifeOf(service, sessions)) - IDLE)).toBeLessThan(STEP + MINUTE)
  })
})
