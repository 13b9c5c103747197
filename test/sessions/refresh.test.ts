import { randomUUID } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import type { AuditAction } from '../../src/audit/actions.ts'
import { type SignedIn, signIn, signUp } from '../support/actors.ts'
import { auditOf } from '../support/audit.ts'
import { Logout, Refresh } from '../support/operations.ts'
import { watchQueries } from '../support/queries.ts'
import { refusedFields } from '../support/refused.ts'
import { codes, useService } from '../support/service.ts'
import {
  countEvents,
  DAY,
  expectDead,
  FIREFOX,
  HOUR,
  MINUTE,
  type Pair,
  pairOf,
  refresh,
  refreshed,
  secondsUntil,
  stateOf,
} from '../support/sessions.ts'

const service = useService()

/** An account whose first token was exchanged and whose response was lost: no one has received the successor. */
async function lostAnswer(): Promise<{ account: SignedIn; successor: string }> {
  const account = await signUp(service)
  return { account, successor: (await refreshed(service, account.refreshToken)).refreshToken }
}

async function eventOf({ id }: SignedIn, action: AuditAction) {
  return (await auditOf(service, id)).find(event => event.action === action)
}

describe('the current token', () => {
  test('the current token yields a new pair for the same session, which lasts 30 more days', async () => {
    const account = await signUp(service)
    service.clock.advance(DAY)
    const reply = await refresh(service, account.refreshToken)
    const pair = pairOf(reply)
    expect(pair.refreshToken).not.toBe(account.refreshToken)
    expect(pair.accessToken).not.toBe(account.accessToken)
    const { session, user, refreshTokenExpiresAt } = reply.data?.refreshToken ?? {}
    expect({ session: session?.id, user: user?.id }).toEqual({ session: account.sessionId, user: account.id })
    expect(refreshTokenExpiresAt).toBe(session?.expiresAt)
    expect(secondsUntil(service, session?.expiresAt)).toBeCloseTo(30 * DAY, -2)
    expect(secondsUntil(service, session?.lastUsedAt)).toBeCloseTo(0, -2)
    expect(await stateOf(service, pair.accessToken)).toBe('LIVE')
  })

  test('a refresh records where it came from', async () => {
    const { refreshToken, sessionId } = await signUp(service)
    await refreshed(service, refreshToken, {}, { headers: { 'user-agent': FIREFOX } })
    const row = await service.app.db.session.findUnique({ where: { id: sessionId } })
    expect(row).toMatchObject({
      userAgent: FIREFOX,
      ipAddress: expect.stringMatching(/^(127\.0\.0\.1|::1)$/),
    })
  })

  test('a refresh truncates the user agent like the start of a session', async () => {
    const { refreshToken, sessionId } = await signUp(service)
    await refreshed(service, refreshToken, {}, { headers: { 'user-agent': 'x'.repeat(5000) } })
    const row = await service.app.db.session.findUnique({ where: { id: sessionId } })
    expect(row?.userAgent).toHaveLength(512)
  })

  test('a refresh works with an expired access token in the same request', async () => {
    const { refreshToken } = await signUp(service)
    await refreshed(service, refreshToken, {}, { token: 'stale' })
  })

  test('a refresh leaves the previous access token valid until it expires', async () => {
    const account = await signUp(service)
    await refreshed(service, account.refreshToken)
    expect(await stateOf(service, account.accessToken)).toBe('LIVE')
  })
})

describe('the previous token', () => {
  test('the previous token yields the same successor within 30 seconds, even if the successor was used', async () => {
    const { account, successor } = await lostAnswer()
    const { accessToken } = await refreshed(service, account.refreshToken)
    expect(await stateOf(service, accessToken)).toBe('LIVE')
    service.clock.advance(20)
    expect((await refreshed(service, account.refreshToken)).refreshToken).toBe(successor)
  })

  test.each([
    ['31 seconds', 31],
    ['10 minutes', 10 * MINUTE],
    ['25 hours', 25 * HOUR],
    ['29 days', 29 * DAY],
  ])(
    'the previous token yields a new pair %s after a lost response, and the session continues',
    async (_time, seconds) => {
      const { account, successor } = await lostAnswer()
      service.clock.advance(seconds)
      const fresh = await refreshed(service, account.refreshToken)
      expect(fresh.refreshToken).not.toBe(successor)
      expect(secondsUntil(service, fresh.accessTokenExpiresAt)).toBeCloseTo(10 * MINUTE, -2)
      expect(await stateOf(service, fresh.accessToken)).toBe('LIVE')
      await refreshed(service, fresh.refreshToken)
    },
  )

  test('the previous token extends the session by 30 days, like its successor', async () => {
    const { account } = await lostAnswer()
    service.clock.advance(29 * DAY)
    const { data } = await refresh(service, account.refreshToken)
    expect(secondsUntil(service, data?.refreshToken.refreshTokenExpiresAt)).toBeCloseTo(30 * DAY, -2)
  })

  test('the previous token stays usable after any number of lost responses in a row', async () => {
    const { account } = await lostAnswer()
    for (let lost = 0; lost < 5; lost++) {
      service.clock.advance(HOUR)
      await refreshed(service, account.refreshToken)
    }
    service.clock.advance(HOUR)
    const { accessToken } = await refreshed(service, account.refreshToken)
    expect(await stateOf(service, accessToken)).toBe('LIVE')
  })

  test('the previous token yields one new successor to two tabs that repeat it, even if that was used', async () => {
    const { account } = await lostAnswer()
    service.clock.advance(HOUR)
    const fresh = await refreshed(service, account.refreshToken)
    expect(await stateOf(service, fresh.accessToken)).toBe('LIVE')
    service.clock.advance(20)
    expect((await refreshed(service, account.refreshToken)).refreshToken).toBe(fresh.refreshToken)
  })

  test('the previous token ends the session after 30 seconds if an access token of its successor was used', async () => {
    const account = await signUp(service)
    const successor = await refreshed(service, account.refreshToken)
    expect(await stateOf(service, successor.accessToken)).toBe('LIVE')
    service.clock.advance(30)
    expect(codes(await refresh(service, account.refreshToken))).toEqual(['REFRESH_TOKEN_INVALID'])
    await expectDead(service, successor)
    expect(await countEvents(service, account.sessionId, 'session.reuse_detected')).toBe(1)
  })

  test('an access token that is older than the successor does not spend the previous token', async () => {
    const { account } = await lostAnswer()
    expect(await stateOf(service, account.accessToken)).toBe('LIVE')
    service.clock.advance(5 * MINUTE)
    await refreshed(service, account.refreshToken)
  })
})

describe('a successor that a late repeat replaced', () => {
  /** A thief has the successor. The owner repeats the previous token and receives a new one. */
  async function replaced(): Promise<{ account: SignedIn; thief: Pair; owner: Pair }> {
    const account = await signUp(service)
    const thief = await refreshed(service, account.refreshToken)
    service.clock.advance(MINUTE)
    return { account, thief, owner: await refreshed(service, account.refreshToken) }
  }

  test.each<[string, (thief: Pair) => Promise<unknown>, unknown]>([
    [
      'refresh token',
      async thief => codes(await refresh(service, thief.refreshToken)),
      ['REFRESH_TOKEN_INVALID'],
    ],
    ['access token', thief => stateOf(service, thief.accessToken), 'REVOKED'],
  ])(
    'the %s of a replaced successor ends the session, and the owner is notified',
    async (kind, present, refusal) => {
      const { account, thief, owner } = await replaced()
      await service.app.db.user.update({ where: { id: account.id }, data: { emailVerifiedAt: new Date() } })
      expect(await stateOf(service, owner.accessToken)).toBe('LIVE')
      expect(await present(thief)).toEqual(refusal)
      await expectDead(service, owner)
      expect(await countEvents(service, account.sessionId, 'session.reuse_detected')).toBe(1)
      const event = await eventOf(account, 'session.reuse_detected')
      expect(event?.detail).toMatchObject({ token: kind.split(' ')[0], generation: 1 })
      const notices = { template: 'reuse-detected', recipient: account.email }
      expect(await service.app.db.mail.count({ where: notices })).toBe(1)
    },
  )

  test('a replaced successor ends the session even after the owner has refreshed again', async () => {
    const { account, thief, owner } = await replaced()
    const next = await refreshed(service, owner.refreshToken)
    service.clock.advance(MINUTE)
    expect(await stateOf(service, thief.accessToken)).toBe('REVOKED')
    await expectDead(service, next)
    expect(await countEvents(service, account.sessionId, 'session.reuse_detected')).toBe(1)
  })
})

describe('a token repeated from another device', () => {
  const repeats = (sessionId: string) => countEvents(service, sessionId, 'session.refresh_repeated')
  const elsewhere = { headers: { 'user-agent': FIREFOX } }

  test('a token repeated from another device within 30 seconds is recorded once and yields the same successor', async () => {
    const { account, successor } = await lostAnswer()
    for (let repeat = 0; repeat < 3; repeat++)
      expect((await refreshed(service, account.refreshToken, {}, elsewhere)).refreshToken).toBe(successor)
    expect(await repeats(account.sessionId)).toBe(1)
    const event = await eventOf(account, 'session.refresh_repeated')
    expect(event).toMatchObject({ userAgent: FIREFOX, detail: { generation: 0 } })
  })

  test('a token repeated from another device after 30 seconds is recorded once and yields a new successor', async () => {
    const { account } = await lostAnswer()
    service.clock.advance(MINUTE)
    await refreshed(service, account.refreshToken, {}, elsewhere)
    expect(await repeats(account.sessionId)).toBe(1)
  })

  test('a token repeated from the same device and network is not recorded', async () => {
    const { account } = await lostAnswer()
    await refreshed(service, account.refreshToken)
    service.clock.advance(MINUTE)
    await refreshed(service, account.refreshToken)
    expect(await repeats(account.sessionId)).toBe(0)
  })
})

describe('a token that is newer than the database', () => {
  /** A client at generation 2 of a session that a restored backup has at generation 0. */
  async function restored(): Promise<{ account: SignedIn; current: Pair }> {
    const account = await signUp(service)
    const where = { id: account.sessionId }
    const backup = await service.app.db.session.findUniqueOrThrow({ where })
    const { refreshToken } = await refreshed(service, account.refreshToken)
    const current = await refreshed(service, refreshToken)
    await service.app.db.session.update({ where, data: backup })
    return { account, current }
  }

  test('a token that is ahead of the database is exchanged, and the exchange is recorded', async () => {
    const { account, current } = await restored()
    expect(await stateOf(service, current.accessToken)).toBe('LIVE')
    const next = await refreshed(service, current.refreshToken)
    expect(await stateOf(service, next.accessToken)).toBe('LIVE')
    await refreshed(service, next.refreshToken)
    expect(await countEvents(service, account.sessionId, 'session.reuse_detected')).toBe(0)
    expect(await countEvents(service, account.sessionId, 'session.refresh_ahead')).toBe(1)
  })

  test('a token that is ahead of the database yields one successor to two tabs that race', async () => {
    const { account, current } = await restored()
    const pairs = await Promise.all([1, 2, 3].map(() => refreshed(service, current.refreshToken)))
    expect(new Set(pairs.map(pair => pair.refreshToken)).size).toBe(1)
    expect(await countEvents(service, account.sessionId, 'session.refresh_ahead')).toBe(1)
  })

  test('an older token still ends the session after one that was ahead of the database', async () => {
    const { account, current } = await restored()
    const stolen = await refreshed(service, account.refreshToken)
    service.clock.advance(MINUTE)
    const owner = await refreshed(service, current.refreshToken)
    expect(codes(await refresh(service, stolen.refreshToken))).toEqual(['REFRESH_TOKEN_INVALID'])
    await expectDead(service, owner)
  })
})

test('a refresh costs one statement and `me` one, the first time with a new pair two', async () => {
  const account = await signUp(service)
  const statements = async (act: () => Promise<unknown>) => {
    const names: (string | undefined)[] = []
    const stop = watchQueries(service.app, name => names.push(name))
    await act()
    stop()
    return names
  }
  let pair: Pair | undefined
  const refreshing = async () => {
    pair = await refreshed(service, account.refreshToken)
  }
  expect(await statements(refreshing)).toEqual(['session-advance'])
  const me = () => stateOf(service, pair?.accessToken)
  expect(await statements(me)).toEqual(['session-with-account', 'session-touch'])
  expect(await statements(me)).toEqual(['session-with-account'])
})

describe('a spent token', () => {
  test('a token two generations old immediately ends its session', async () => {
    const { account, successor } = await lostAnswer()
    const current = await refreshed(service, successor)
    expect(codes(await refresh(service, account.refreshToken))).toEqual(['REFRESH_TOKEN_INVALID'])
    await expectDead(service, current)
    expect(await countEvents(service, account.sessionId, 'session.reuse_detected')).toBe(1)
  })

  test('a spent token ends no other session of the account', async () => {
    const account = await signUp(service)
    const other = await signIn(service, account.email)
    const { refreshToken } = await refreshed(service, account.refreshToken)
    await refreshed(service, refreshToken)
    await refresh(service, account.refreshToken)
    expect(await stateOf(service, other.accessToken)).toBe('LIVE')
  })
})

describe('sliding expiry', () => {
  test('a session that is not refreshed for 30 days ends', async () => {
    const account = await signUp(service)
    service.clock.advance(30 * DAY)
    expect(codes(await refresh(service, account.refreshToken))).toEqual(['REFRESH_TOKEN_INVALID'])
    expect(await countEvents(service, account.sessionId, 'session.reuse_detected')).toBe(0)
  })

  test('a session in use ends after 90 days', async () => {
    const { refreshToken } = await signUp(service)
    let token = refreshToken
    const daysLeft: number[] = []
    for (const days of [29, 29, 29, 2]) {
      service.clock.advance(days * DAY)
      const { data } = await refresh(service, token)
      token = data?.refreshToken.refreshToken ?? ''
      daysLeft.push(Math.round(secondsUntil(service, data?.refreshToken.refreshTokenExpiresAt) / DAY))
    }
    expect(daysLeft).toEqual([30, 30, 3, 1])
    service.clock.advance(DAY)
    expect(codes(await refresh(service, token))).toEqual(['REFRESH_TOKEN_INVALID'])
  })
})

describe('accessTokenTtlSeconds', () => {
  test.each([
    ['a longer life for this one token', 40 * MINUTE, 40 * MINUTE],
    ['a shorter one', 1, 1],
    ['at most an hour, unless ACCESS_TOKEN_MAX_TTL says otherwise', 2 ** 31 - 1, HOUR],
  ])('accessTokenTtlSeconds yields %s', async (_case, accessTokenTtlSeconds, expected) => {
    const account = await signUp(service)
    const longer = await refreshed(service, account.refreshToken, { accessTokenTtlSeconds })
    expect(Math.abs(secondsUntil(service, longer.accessTokenExpiresAt) - expected)).toBeLessThan(5)
    const next = await refreshed(service, longer.refreshToken)
    expect(Math.abs(secondsUntil(service, next.accessTokenExpiresAt) - 10 * MINUTE)).toBeLessThan(5)
  })

  test('no access token outlives the session', async () => {
    const { refreshToken, sessionId } = await signUp(service)
    await service.app.db.session.update({
      where: { id: sessionId },
      data: { absoluteExpiresAt: new Date(service.clock.now().getTime() + 20 * MINUTE * 1000) },
    })
    const pair = await refreshed(service, refreshToken, { accessTokenTtlSeconds: HOUR })
    expect(Math.abs(secondsUntil(service, pair.accessTokenExpiresAt) - 20 * MINUTE)).toBeLessThan(5)
  })

  test.each([0, -1])(
    'accessTokenTtlSeconds of %d is refused, and the refresh token is not spent',
    async accessTokenTtlSeconds => {
      const { refreshToken, sessionId } = await signUp(service)
      const reply = await refresh(service, refreshToken, { accessTokenTtlSeconds })
      expect(Object.keys(refusedFields(reply))).toEqual(['input.accessTokenTtlSeconds'])
      const row = await service.app.db.session.findUnique({ where: { id: sessionId } })
      expect(row?.generation).toBe(0)
    },
  )

  test('accessTokenTtlSeconds that is not a 32-bit integer is refused', async () => {
    for (const accessTokenTtlSeconds of [1.5, 2 ** 31]) {
      const reply = await service.send(Refresh, { input: { accessTokenTtlSeconds } })
      expect(codes(reply)).toEqual(['BAD_USER_INPUT'])
    }
  })
})

describe('refused refreshes', () => {
  const secret = 'A'.repeat(43)
  test.each([
    ['nothing', undefined],
    ['an empty token', ''],
    ['garbage', 'garbage'],
    ['an unknown session', `${randomUUID()}.0.${secret}`],
    ['SQL', `' OR 1=1 --.0.${secret}`],
    ['50 kB', 'A'.repeat(50_000)],
  ])('%s is refused as a refresh token', async (_case, refreshToken) => {
    expect(codes(await service.send(Refresh, { input: { refreshToken } }))).toEqual(['REFRESH_TOKEN_INVALID'])
  })

  test('a refresh without a token is refused', async () => {
    expect(codes(await service.send(Refresh))).toEqual(['REFRESH_TOKEN_INVALID'])
  })

  test('a token with a forged secret is refused and does not affect the session', async () => {
    const account = await signUp(service)
    const forged = `${account.sessionId}.0.${secret}`
    expect(codes(await refresh(service, forged))).toEqual(['REFRESH_TOKEN_INVALID'])
    await refreshed(service, account.refreshToken)
  })

  test('an access token is refused as a refresh token', async () => {
    const { accessToken } = await signUp(service)
    expect(codes(await refresh(service, accessToken))).toEqual(['REFRESH_TOKEN_INVALID'])
  })

  test('a refresh token computed from a copy of the database is refused', async () => {
    const { sessionId, refreshToken } = await signUp(service)
    const { rows } = await service.app.pool.query<{ dump: string }>(
      `SELECT (SELECT string_agg(to_jsonb(s)::text, '') FROM sessions s)
           || (SELECT string_agg(to_jsonb(k)::text, '') FROM server_keys k)
           || (SELECT string_agg(to_jsonb(a)::text, '') FROM audit_events a) AS dump`,
    )
    const secretPart = refreshToken.split('.')[2] ?? ''
    expect(secretPart).toHaveLength(43)
    expect(rows[0]?.dump).toContain(sessionId)
    expect(rows[0]?.dump).not.toContain(secretPart)
    expect(rows[0]?.dump).not.toContain(Buffer.from(secretPart, 'base64url').toString('hex'))
    expect(rows[0]?.dump).not.toContain(service.app.keys.refreshToken?.toString('hex'))
  })

  test('the refresh token of a session that logout ended is refused', async () => {
    const account = await signUp(service)
    const { data } = await service.send(Logout, {}, { token: account.accessToken })
    expect(data).toEqual({ logout: true })
    await expectDead(service, account)
  })

  test('the refresh token of a disabled account is refused', async () => {
    const account = await signUp(service)
    await service.app.db.user.update({ where: { id: account.id }, data: { disabledAt: new Date() } })
    await expectDead(service, account)
  })

  test('the refresh token of a deleted account is refused', async () => {
    const account = await signUp(service)
    await service.app.db.user.delete({ where: { id: account.id } })
    await expectDead(service, account)
  })
})

test('all refusals have the same message, so that no one learns which tokens were ever valid', async () => {
  const account = await signUp(service)
  await service.send(Logout, {}, { token: account.accessToken })
  const refusals = [account.refreshToken, 'garbage', `${randomUUID()}.0.${'A'.repeat(43)}`]
  const replies = await Promise.all(refusals.map(token => refresh(service, token)))
  const [first, ...others] = replies.map(({ status, data, errors }) => ({ status, data, errors }))
  expect(first?.errors).toHaveLength(1)
  for (const other of others) expect(other).toEqual(first)
})
