import { randomUUID } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import type { RegisterInput } from '../generated/graphql.ts'
import { newAddress, PASSWORD, type SignedIn, signIn, signUp, signUpWith } from '../support/actors.ts'
import {
  MySessions,
  RevokeAllSessions,
  RevokeOtherSessions,
  RevokeSession,
  UserById,
} from '../support/operations.ts'
import { codes, useService } from '../support/service.ts'
import {
  countEvents,
  DAY,
  expectDead,
  FIREFOX,
  HOUR,
  refresh,
  refreshed,
  secondsUntil,
  stateOf,
} from '../support/sessions.ts'

const service = useService()

type Registered = {
  register: { session: { id: string }; user: { sessions: { id: string; current: boolean }[] } }
}

/** An account with this many sessions, oldest first. */
async function sessionsOfOne(count: number): Promise<[SignedIn, ...SignedIn[]]> {
  const first = await signUp(service)
  const more: SignedIn[] = []
  while (more.length < count - 1) more.push(await signIn(service, first.email))
  return [first, ...more]
}

async function listed({ accessToken }: SignedIn) {
  const { data, errors } = await service.send(MySessions, {}, { token: accessToken })
  expect(errors).toEqual([])
  return data?.me?.sessions ?? []
}

const revoke = (id: string, token?: string) => service.send(RevokeSession, { id }, { token })

describe('User.sessions', () => {
  test('User.sessions lists the live sessions, most recently used first, and marks the current one', async () => {
    const [one, two, three] = await sessionsOfOne(3)
    service.clock.advance(HOUR)
    await refresh(service, two?.refreshToken ?? '')
    service.clock.advance(-HOUR)
    const sessions = await listed(one)
    expect(sessions.map(({ id, current }) => ({ id, current }))).toEqual([
      { id: two?.sessionId, current: false },
      { id: three?.sessionId, current: false },
      { id: one.sessionId, current: true },
    ])
    for (const session of sessions) expect(session.revokedAt).toBeNull()
  })

  test('each session shows where it was last refreshed from', async () => {
    const account = await signUp(service)
    await refreshed(service, account.refreshToken, {}, { headers: { 'user-agent': FIREFOX } })
    expect(await listed(account)).toEqual([
      expect.objectContaining({
        userAgent: FIREFOX,
        ipAddress: expect.stringMatching(/^(127\.0\.0\.1|::1)$/),
        deviceName: 'Node.js',
      }),
    ])
  })

  test('each session shows to the minute when it was last used', async () => {
    const account = await signUp(service)
    service.clock.advance(40)
    const [soon] = await listed(account)
    expect(secondsUntil(service, soon?.lastUsedAt)).toBeLessThan(-39)
    service.clock.advance(40)
    await listed(account)
    const [later] = await listed(account)
    expect(secondsUntil(service, later?.lastUsedAt)).toBeGreaterThan(-5)
    expect(later?.expiresAt).toBe(soon?.expiresAt)
  })

  test('User.sessions omits ended and expired sessions', async () => {
    const [one, two, three] = await sessionsOfOne(3)
    await revoke(two?.sessionId ?? '', one.accessToken)
    service.clock.advance(29 * DAY)
    const { accessToken } = await refreshed(service, one.refreshToken)
    expect((await listed({ ...one, accessToken })).map(session => session.id)).toEqual([
      one.sessionId,
      three?.sessionId,
    ])
    service.clock.advance(2 * DAY)
    const later = await signIn(service, one.email)
    expect((await listed(later)).map(session => session.id)).toEqual([later.sessionId, one.sessionId])
  })

  test('User.sessions is available in the response to a sign-in, without an access token', async () => {
    const { data, errors } = await service.send<Registered, { input: RegisterInput }>(
      'mutation ($input: RegisterInput!) { register(input: $input) { ... on AuthPayload { session { id } user { sessions { id current } } } } }',
      { input: { email: newAddress(), password: PASSWORD } },
    )
    expect(errors).toEqual([])
    expect(data?.register.user.sessions).toEqual([{ id: data?.register.session.id, current: true }])
  })

  test('the sessions of another account require users:read, and none of them is current', async () => {
    const account = await signUp(service)
    const support = await signUpWith(service, 'support')
    const { data } = await service.send(UserById, { id: account.id }, { token: support.accessToken })
    expect(data?.user?.sessions).toEqual([{ id: account.sessionId, current: false }])
    const other = await signUp(service)
    const denied = await service.send(UserById, { id: account.id }, { token: other.accessToken })
    expect(codes(denied)).toEqual(['FORBIDDEN'])
    expect(denied.data?.user).toBeNull()
  })
})

describe('revokeSession', () => {
  test('revokeSession immediately ends another session of the account', async () => {
    const [one, two] = await sessionsOfOne(2)
    const { data } = await revoke(two?.sessionId ?? '', one.accessToken)
    expect(data?.revokeSession).toMatchObject({ id: two?.sessionId, current: false })
    expect(Math.abs(secondsUntil(service, data?.revokeSession.revokedAt ?? ''))).toBeLessThan(5)
    await expectDead(service, two ?? one)
    expect(await stateOf(service, one.accessToken)).toBe('LIVE')
    expect(await countEvents(service, two?.sessionId ?? '', 'session.revoked')).toBe(1)
  })

  test('revokeSession can end the session of the request', async () => {
    const account = await signUp(service)
    const { data } = await revoke(account.sessionId, account.accessToken)
    expect(data?.revokeSession).toMatchObject({ id: account.sessionId, current: true })
    await expectDead(service, account)
  })

  test('revoking an ended session returns when it ended and records nothing', async () => {
    const [one, two] = await sessionsOfOne(2)
    const first = await revoke(two?.sessionId ?? '', one.accessToken)
    service.clock.advance(5)
    const again = await revoke(two?.sessionId ?? '', one.accessToken)
    expect(codes(first)).toEqual([])
    expect(again.data).toEqual(first.data)
    expect(await countEvents(service, two?.sessionId ?? '', 'session.revoked')).toBe(1)
  })

  test('ten parallel revocations end a session once, and all return when it ended', async () => {
    const [one, two] = await sessionsOfOne(2)
    const replies = await Promise.all(
      Array.from({ length: 10 }, () => revoke(two?.sessionId ?? '', one.accessToken)),
    )
    expect(replies.flatMap(codes)).toEqual([])
    const times = new Set(replies.map(({ data }) => data?.revokeSession.revokedAt))
    expect(times.size).toBe(1)
    expect(times).not.toContain(null)
    expect(await countEvents(service, two?.sessionId ?? '', 'session.revoked')).toBe(1)
  })

  test('another account’s session and an unknown one get the same NOT_FOUND', async () => {
    const [account, victim] = [await signUp(service), await signUp(service)]
    const replies = await Promise.all(
      [victim.sessionId, randomUUID(), 'garbage', '', "' OR 1=1 --", '__proto__'].map(id =>
        revoke(id, account.accessToken),
      ),
    )
    const [first, ...others] = replies.map(reply => reply.errors)
    expect(first?.[0]?.extensions).toEqual({ code: 'NOT_FOUND' })
    for (const errors of others) expect(errors).toEqual(first)
    expect(await stateOf(service, victim.accessToken)).toBe('LIVE')
  })

  test('not even an administrator can end another account’s session with revokeSession', async () => {
    const [admin, victim] = [await signUpWith(service, 'admin'), await signUp(service)]
    expect(codes(await revoke(victim.sessionId, admin.accessToken))).toEqual(['NOT_FOUND'])
    expect(await stateOf(service, victim.accessToken)).toBe('LIVE')
  })
})

describe('revokeOtherSessions', () => {
  const revokeOthers = (token: string) => service.send(RevokeOtherSessions, {}, { token })

  test('revokeOtherSessions ends all sessions except the one of the request and returns their number', async () => {
    const [one, ...others] = await sessionsOfOne(4)
    const stranger = await signUp(service)
    expect((await revokeOthers(one.accessToken)).data).toEqual({ revokeOtherSessions: 3 })
    for (const other of others) await expectDead(service, other)
    expect(await stateOf(service, one.accessToken)).toBe('LIVE')
    expect(await stateOf(service, stranger.accessToken)).toBe('LIVE')
    expect((await revokeOthers(one.accessToken)).data).toEqual({ revokeOtherSessions: 0 })
  })

  test('two sessions that revoke all others in parallel leave at most one of them', async () => {
    const [one, two] = await sessionsOfOne(2)
    await Promise.all([revokeOthers(one.accessToken), revokeOthers(two?.accessToken ?? '')])
    const states = [await stateOf(service, one.accessToken), await stateOf(service, two?.accessToken)]
    expect(states).toContain('REVOKED')
  })
})

describe('revokeAllSessions', () => {
  const revokeAll = (token: string) => service.send(RevokeAllSessions, {}, { token })

  test('revokeAllSessions ends all sessions, including the one of the request, and returns their number', async () => {
    const sessions = await sessionsOfOne(3)
    const stranger = await signUp(service)
    expect((await revokeAll(sessions[0].accessToken)).data).toEqual({ revokeAllSessions: 3 })
    for (const session of sessions) await expectDead(service, session)
    expect(await stateOf(service, stranger.accessToken)).toBe('LIVE')
    await signIn(service, sessions[0].email)
  })

  test('parallel revocations during refreshes count each session once', async () => {
    const sessions = await sessionsOfOne(6)
    const [replies] = await Promise.all([
      Promise.all(sessions.flatMap(({ accessToken }) => [revokeAll(accessToken), revokeAll(accessToken)])),
      Promise.all(sessions.map(({ refreshToken }) => refresh(service, refreshToken))),
    ])
    const counts = replies.map(({ data }) => data?.revokeAllSessions ?? 0)
    expect(counts.reduce((sum, count) => sum + count)).toBe(6)
    // The other requests found their own session ended.
    expect(new Set(replies.flatMap(codes))).toEqual(
      new Set(replies.some(({ errors }) => errors.length > 0) ? ['UNAUTHENTICATED'] : []),
    )
    for (const session of sessions) await expectDead(service, session)
  })
})

describe.each([
  ['me { sessions }', (token?: string) => service.send(MySessions, {}, { token })],
  ['user { sessions }', (token?: string) => service.send(UserById, { id: randomUUID() }, { token })],
  ['revokeSession', (token?: string) => revoke(randomUUID(), token)],
  ['revokeOtherSessions', (token?: string) => service.send(RevokeOtherSessions, {}, { token })],
  ['revokeAllSessions', (token?: string) => service.send(RevokeAllSessions, {}, { token })],
])('%s requires a live session', (_name, send) => {
  test.each([
    ['MISSING', async () => undefined],
    ['INVALID', async () => 'garbage'],
    ['REVOKED', revoked],
  ])('the operation is refused with the reason %s', async (reason, tokenOf) => {
    const { errors } = await send(await tokenOf())
    expect(errors.map(({ extensions }) => extensions)).toEqual([{ code: 'UNAUTHENTICATED', reason }])
  })
})

async function revoked(): Promise<string> {
  const { sessionId, accessToken } = await signUp(service)
  await revoke(sessionId, accessToken)
  return accessToken
}
