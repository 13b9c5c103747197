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

/** An account whose first token has been exchanged and the answer lost: nobody has seen the successor. */
async function lostAnswer(): Promise<{ account: SignedIn; successor: string }> {
  const account = await signUp(service)
  return { account, successor: (await refreshed(service, account.refreshToken)).refreshToken }
}

async function eventOf({ id }: SignedIn, action: AuditAction) {
  return (await auditOf(service, id)).find(event => event.action === action)
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
    ['31 seconds', 31],
    ['10 minutes', 10 * MINUTE],
    ['25 hours', 25 * HOUR],
    ['29 days', 29 * DAY],
  ])('gets a fresh pair %s after a lost answer, and the session goes on', async (_time, seconds) => {
    const { account, successor } = await lostAnswer()
    service.clock.advance(seconds)
    const fresh = await refreshed(service, account.refreshToken)
    expect(fresh.refreshToken).not.toBe(successor)
    expect(secondsUntil(service, fresh.accessTokenExpiresAt)).toBeCloseTo(10 * MINUTE, -2)
    expect(await stateOf(service, fresh.accessToken)).toBe('LIVE')
    await refreshed(service, fresh.refreshToken)
  })

  test('gives the session 30 more days, as the successor did', async () => {
    const { account } = await lostAnswer()
    service.clock.advance(29 * DAY)
    const { data } = await refresh(service, account.refreshToken)
    expect(secondsUntil(service, data?.refreshToken.refreshTokenExpiresAt)).toBeCloseTo(30 * DAY, -2)
  })

  test('is answered after any number of lost answers in a row', async () => {
    const { account } = await lostAnswer()
    for (let lost = 0; lost < 5; lost++) {
      service.clock.advance(HOUR)
      await refreshed(service, account.refreshToken)
    }
    service.clock.advance(HOUR)
    const { accessToken } = await refreshed(service, account.refreshToken)
    expect(await stateOf(service, accessToken)).toBe('LIVE')
  })

  test('gets one fresh successor when two tabs repeat it, even after that was used', async () => {
    const { account } = await lostAnswer()
    service.clock.advance(HOUR)
    const fresh = await refreshed(service, account.refreshToken)
    expect(await stateOf(service, fresh.accessToken)).toBe('LIVE')
    service.clock.advance(20)
    expect((await refreshed(service, account.refreshToken)).refreshToken).toBe(fresh.refreshToken)
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
    const { account } = await lostAnswer()
    expect(await stateOf(service, account.accessToken)).toBe('LIVE')
    service.clock.advance(5 * MINUTE)
    await refreshed(service, account.refreshToken)
  })
})

describe('a successor that a late repeat replaced', () => {
  /** A thief has the successor; the owner repeats the token before it and gets a fresh one. */
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
  ])('ends the session when its %s comes back, and the owner is notified', async (kind, present, refusal) => {
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
  })

  test('ends the session also after the owner has refreshed again', async () => {
    const { account, thief, owner } = await replaced()
    const next = await refreshed(service, owner.refreshToken)
    service.clock.advance(MINUTE)
    expect(await stateOf(service, thief.accessToken)).toBe('REVOKED')
    await expectDead(service, next)
    expect(await countEvents(service, account.sessionId, 'session.reuse_detected')).toBe(1)
  })
})

describe('a token used again from elsewhere is on record, once:', () => {
  const repeats = (sessionId: string) => countEvents(service, sessionId, 'session.refresh_repeated')
  const elsewhere = { headers: { 'user-agent': FIREFOX } }

  test('within 30 seconds, with the same successor', async () => {
    const { account, successor } = await lostAnswer()
    for (let repeat = 0; repeat < 3; repeat++)
      expect((await refreshed(service, account.refreshToken, {}, elsewhere)).refreshToken).toBe(successor)
    expect(await repeats(account.sessionId)).toBe(1)
    const event = await eventOf(account, 'session.refresh_repeated')
    expect(event).toMatchObject({ userAgent: FIREFOX, detail: { generation: 0 } })
  })

  test('later, with a fresh one', async () => {
    const { account } = await lostAnswer()
    service.clock.advance(MINUTE)
    await refreshed(service, account.refreshToken, {}, elsewhere)
    expect(await repeats(account.sessionId)).toBe(1)
  })

  test('from the same device and network nothing is', async () => {
    const { account } = await lostAnswer()
    await refreshed(service, account.refreshToken)
    service.clock.advance(MINUTE)
    await refreshed(service, account.refreshToken)
    expect(await repeats(account.sessionId)).toBe(0)
  })
})

describe('a token that is newer than the database', () => {
  /** A client at generation 2 of a session that a backup knows at generation 0. */
  async function restored(): Promise<{ account: SignedIn; current: Pair }> {
    const account = await signUp(service)
    const where = { id: account.sessionId }
    const backup = await service.app.db.session.findUniqueOrThrow({ where })
    const { refreshToken } = await refreshed(service, account.refreshToken)
    const current = await refreshed(service, refreshToken)
    await service.app.db.session.update({ where, data: backup })
    return { account, current }
  }

  test('is exchanged, and that is on record', async () => {
    const { account, current } = await restored()
    expect(await stateOf(service, current.accessToken)).toBe('LIVE')
    const next = await refreshed(service, current.refreshToken)
    expect(await stateOf(service, next.accessToken)).toBe('LIVE')
    await refreshed(service, next.refreshToken)
    expect(await countEvents(service, account.sessionId, 'session.reuse_detected')).toBe(0)
    expect(await countEvents(service, account.sessionId, 'session.refresh_ahead')).toBe(1)
  })

  test('gives one successor to two tabs that race', async () => {
    const { account, current } = await restored()
    const pairs = await Promise.all([1, 2, 3].map(() => refreshed(service, current.refreshToken)))
    expect(new Set(pairs.map(pair => pair.refreshToken)).size).toBe(1)
    expect(await countEvents(service, account.sessionId, 'session.refresh_ahead')).toBe(1)
  })

  test('still shows a thief who comes with an older one', async () => {
    const { account, current } = await restored()
    const stolen = await refreshed(service, account.refreshToken)
    service.clock.advance(MINUTE)
    const owner = await refreshed(service, current.refreshToken)
    expect(codes(await refresh(service, stolen.refreshToken))).toEqual(['REFRESH_TOKEN_INVALID'])
    await expectDead(service, owner)
  })
})

test('a refresh costs two statements and `me` one, the first time with a new pair two', async () => {
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
  expect(await statements(refreshing)).toEqual(['session-with-account', 'session-rotate'])
  const me = () => stateOf(service, pair?.accessToken)
  expect(await statements(me)).toEqual(['session-with-account', 'session-touch'])
  expect(await statements(me)).toEqual(['session-with-account'])
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
    ['a longer life for this one token', 40 * MINUTE, 40 * MINUTE],
    ['a shorter one', 1, 1],
    ['at most an hour, unless ACCESS_TOKEN_MAX_TTL says otherwise', 2 ** 31 - 1, HOUR],
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
      data: { absoluteExpiresAt: new Date(service.clock.now().getTime() + 20 * MINUTE * 1000) },
    })
    const pair = await refreshed(service, refreshToken, { accessTokenTtlSeconds: HOUR })
    expect(Math.abs(secondsUntil(service, pair.accessTokenExpiresAt) - 20 * MINUTE)).toBeLessThan(5)
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
