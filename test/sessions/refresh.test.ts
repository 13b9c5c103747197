import { randomUUID } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { refreshTokenOf } from '../../src/sessions/refresh-token.ts'
import { Logout, Refresh } from '../support/operations.ts'
import { refusedFields } from '../support/refused.ts'
import { codes, type SignedIn, signIn, signUp, useService } from '../support/service.ts'
import {
  countEvents,
  DAY,
  expectDead,
  FIREFOX,
  HOUR,
  MINUTE,
  pairOf,
  refresh,
  refreshed,
  secondsUntil,
  stateOf,
} from '../support/sessions.ts'

const service = useService()

/** An account whose first token has been exchanged and the answer lost: nobody has seen the successor. */
async function lostAnswer(): Promise<{ account: SignedIn; successor: string }> {
  const account = await signUp(service)
  return { account, successor: (await refreshed(service, account.refreshToken)).refreshToken }
}

describe('the current token', () => {
  test('gives a new pair of the same session, and the session 30 more days', async () => {
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

  test('notes from where it was used', async () => {
    const { refreshToken, sessionId } = await signUp(service)
    await refreshed(service, refreshToken, {}, { headers: { 'user-agent': FIREFOX } })
    const row = await service.app.db.session.findUnique({ where: { id: sessionId } })
    expect(row).toMatchObject({
      userAgent: FIREFOX,
      ipAddress: expect.stringMatching(/^(127\.0\.0\.1|::1)$/),
    })
  })

  test('keeps no more of a user agent than a session’s start does', async () => {
    const { refreshToken, sessionId } = await signUp(service)
    await refreshed(service, refreshToken, {}, { headers: { 'user-agent': 'x'.repeat(5000) } })
    const row = await service.app.db.session.findUnique({ where: { id: sessionId } })
    expect(row?.userAgent).toHaveLength(512)
  })

  test('works with a stale access token beside it', async () => {
    const { refreshToken } = await signUp(service)
    await refreshed(service, refreshToken, {}, { token: 'stale' })
  })

  test('leaves the access token before it valid until that expires', async () => {
    const account = await signUp(service)
    await refreshed(service, account.refreshToken)
    expect(await stateOf(service, account.accessToken)).toBe('LIVE')
  })
})

describe('the token before', () => {
  test('gets the same successor within 30 seconds, even when that was used', async () => {
    const { account, successor } = await lostAnswer()
    const { accessToken } = await refreshed(service, account.refreshToken)
    expect(await stateOf(service, accessToken)).toBe('LIVE')
    service.clock.advance(20)
    expect((await refreshed(service, account.refreshToken)).refreshToken).toBe(successor)
  })

  test.each([
    ['10 minutes', 10 * MINUTE],
    ['23 hours', 23 * HOUR],
  ])('gets the same successor and a fresh access token %s after a lost answer', async (_time, seconds) => {
    const { account, successor } = await lostAnswer()
    service.clock.advance(seconds)
    const repeated = await refreshed(service, account.refreshToken)
    expect(repeated.refreshToken).toBe(successor)
    expect(secondsUntil(service, repeated.accessTokenExpiresAt)).toBeCloseTo(10 * MINUTE, -2)
    expect(await stateOf(service, repeated.accessToken)).toBe('LIVE')
    await refreshed(service, successor)
  })

  test('ends the session 24 hours after the rotation, used or not', async () => {
    const { account, successor } = await lostAnswer()
    service.clock.advance(DAY)
    expect(codes(await refresh(service, account.refreshToken))).toEqual(['REFRESH_TOKEN_INVALID'])
    expect(codes(await refresh(service, successor))).toEqual(['REFRESH_TOKEN_INVALID'])
    expect(await countEvents(service, account.sessionId, 'session.reuse_detected')).toBe(1)
  })

  test('ends the session after 30 seconds when an access token of the successor was used', async () => {
    const account = await signUp(service)
    const successor = await refreshed(service, account.refreshToken)
    expect(await stateOf(service, successor.accessToken)).toBe('LIVE')
    service.clock.advance(30)
    expect(codes(await refresh(service, account.refreshToken))).toEqual(['REFRESH_TOKEN_INVALID'])
    await expectDead(service, successor)
    expect(await countEvents(service, account.sessionId, 'session.reuse_detected')).toBe(1)
  })

  test('is not spent by an access token that is older than the successor', async () => {
    const { account, successor } = await lostAnswer()
    expect(await stateOf(service, account.accessToken)).toBe('LIVE')
    service.clock.advance(5 * MINUTE)
    expect((await refreshed(service, account.refreshToken)).refreshToken).toBe(successor)
  })

  test('gives the session no more time', async () => {
    const { account } = await lostAnswer()
    const { data: first } = await refresh(service, account.refreshToken)
    service.clock.advance(HOUR)
    const { data: later } = await refresh(service, account.refreshToken)
    expect(later?.refreshToken.refreshTokenExpiresAt).toBe(first?.refreshToken.refreshTokenExpiresAt)
  })
})

describe('a spent token', () => {
  test('of the grandparent’s generation ends its session at once', async () => {
    const { account, successor } = await lostAnswer()
    const current = await refreshed(service, successor)
    expect(codes(await refresh(service, account.refreshToken))).toEqual(['REFRESH_TOKEN_INVALID'])
    await expectDead(service, current)
    expect(await countEvents(service, account.sessionId, 'session.reuse_detected')).toBe(1)
  })

  test('ends no other session of the account', async () => {
    const account = await signUp(service)
    const other = await signIn(service, account.email)
    const { refreshToken } = await refreshed(service, account.refreshToken)
    await refreshed(service, refreshToken)
    await refresh(service, account.refreshToken)
    expect(await stateOf(service, other.accessToken)).toBe('LIVE')
  })
})

describe('sliding expiry', () => {
  test('a session not refreshed for 30 days is over', async () => {
    const account = await signUp(service)
    service.clock.advance(30 * DAY)
    expect(codes(await refresh(service, account.refreshToken))).toEqual(['REFRESH_TOKEN_INVALID'])
    expect(await countEvents(service, account.sessionId, 'session.reuse_detected')).toBe(0)
  })

  test('a session in use is over after 90 days', async () => {
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
    ['a longer life for this one token', 8 * HOUR, 8 * HOUR],
    ['a shorter one', 1, 1],
    ['at most ACCESS_TOKEN_MAX_TTL', 2 ** 31 - 1, DAY],
  ])('gives %s', async (_case, accessTokenTtlSeconds, expected) => {
    const account = await signUp(service)
    const longer = await refreshed(service, account.refreshToken, { accessTokenTtlSeconds })
    expect(Math.abs(secondsUntil(service, longer.accessTokenExpiresAt) - expected)).toBeLessThan(5)
    const next = await refreshed(service, longer.refreshToken)
    expect(Math.abs(secondsUntil(service, next.accessTokenExpiresAt) - 10 * MINUTE)).toBeLessThan(5)
  })

  test('never outlives the session', async () => {
    const { refreshToken, sessionId } = await signUp(service)
    await service.app.db.session.update({
      where: { id: sessionId },
      data: { absoluteExpiresAt: new Date(service.clock.now().getTime() + HOUR * 1000) },
    })
    const pair = await refreshed(service, refreshToken, { accessTokenTtlSeconds: DAY })
    expect(Math.abs(secondsUntil(service, pair.accessTokenExpiresAt) - HOUR)).toBeLessThan(5)
  })

  test.each([0, -1])('of %d is refused, and the refresh token is not spent', async accessTokenTtlSeconds => {
    const { refreshToken, sessionId } = await signUp(service)
    const reply = await refresh(service, refreshToken, { accessTokenTtlSeconds })
    expect(Object.keys(refusedFields(reply))).toEqual(['input.accessTokenTtlSeconds'])
    const row = await service.app.db.session.findUnique({ where: { id: sessionId } })
    expect(row?.generation).toBe(0)
  })

  test('that is no whole number of 32 bits is refused', async () => {
    for (const accessTokenTtlSeconds of [1.5, 2 ** 31]) {
      const reply = await service.send(Refresh, { input: { accessTokenTtlSeconds } })
      expect(codes(reply)).toEqual(['BAD_USER_INPUT'])
    }
  })
})

describe('no session comes of', () => {
  const secret = 'A'.repeat(43)
  test.each([
    ['nothing', undefined],
    ['an empty token', ''],
    ['garbage', 'garbage'],
    ['an unknown session', `${randomUUID()}.0.${secret}`],
    ['SQL', `' OR 1=1 --.0.${secret}`],
    ['50 kB', 'A'.repeat(50_000)],
  ])('%s', async (_case, refreshToken) => {
    expect(codes(await service.send(Refresh, { input: { refreshToken } }))).toEqual(['REFRESH_TOKEN_INVALID'])
  })

  test('a token without any input', async () => {
    expect(codes(await service.send(Refresh))).toEqual(['REFRESH_TOKEN_INVALID'])
  })

  test('a forged secret, which does not harm the session either', async () => {
    const account = await signUp(service)
    const forged = `${account.sessionId}.0.${secret}`
    expect(codes(await refresh(service, forged))).toEqual(['REFRESH_TOKEN_INVALID'])
    await refreshed(service, account.refreshToken)
  })

  test('an access token', async () => {
    const { accessToken } = await signUp(service)
    expect(codes(await refresh(service, accessToken))).toEqual(['REFRESH_TOKEN_INVALID'])
  })

  test('what a copy of the database holds', async () => {
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

  test('a generation that was never given', async () => {
    const account = await signUp(service)
    const session = await service.app.db.session.findUniqueOrThrow({ where: { id: account.sessionId } })
    const future = refreshTokenOf(service.app, session, 1)
    expect(codes(await refresh(service, future))).toEqual(['REFRESH_TOKEN_INVALID'])
  })

  test('a session that logout ended', async () => {
    const account = await signUp(service)
    const { data } = await service.send(Logout, {}, { token: account.accessToken })
    expect(data).toEqual({ logout: true })
    await expectDead(service, account)
  })

  test('the session of a disabled account', async () => {
    const account = await signUp(service)
    await service.app.db.user.update({ where: { id: account.id }, data: { disabledAt: new Date() } })
    await expectDead(service, account)
  })

  test('the session of a deleted account', async () => {
    const account = await signUp(service)
    await service.app.db.user.delete({ where: { id: account.id } })
    await expectDead(service, account)
  })
})

test('every refusal reads the same, so that nobody learns which tokens were ever real', async () => {
  const account = await signUp(service)
  await service.send(Logout, {}, { token: account.accessToken })
  const refusals = [account.refreshToken, 'garbage', `${randomUUID()}.0.${'A'.repeat(43)}`]
  const replies = await Promise.all(refusals.map(token => refresh(service, token)))
  const [first, ...others] = replies.map(({ status, data, errors }) => ({ status, data, errors }))
  expect(first?.errors).toHaveLength(1)
  for (const other of others) expect(other).toEqual(first)
})
