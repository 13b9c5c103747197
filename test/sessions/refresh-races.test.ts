import { describe, expect, test } from '@jest/globals'
import { PASSWORD, type SignedIn, signIn, signUp } from '../support/actors.ts'
import {
  ChangePassword,
  Login,
  Logout,
  MySessions,
  RevokeAllSessions,
  RevokeOtherSessions,
  RevokeSession,
} from '../support/operations.ts'
import { meet, whileHolding } from '../support/race.ts'
import { codes, type Reply, startService, useService } from '../support/service.ts'
import { countEvents, expectDead, MINUTE, pairOf, refresh, refreshed, stateOf } from '../support/sessions.ts'

const service = useService()
const NEW_PASSWORD = 'eighteen copper engines'

const changePassword = (token: string, newPassword = NEW_PASSWORD) =>
  service.send(ChangePassword, { input: { currentPassword: PASSWORD, newPassword } }, { token })

test('200 parallel refreshes of one token leave one live successor and no dead session', async () => {
  const account = await signUp(service)
  const replies = await Promise.all(Array.from({ length: 200 }, () => refresh(service, account.refreshToken)))
  const pairs = replies.map(pairOf)
  const [successor, ...more] = new Set(pairs.map(pair => pair.refreshToken))
  expect(more).toEqual([])
  expect(successor).not.toBe(account.refreshToken)
  const row = await service.app.db.session.findUnique({ where: { id: account.sessionId } })
  expect(row).toMatchObject({ generation: 1, revokedAt: null })
  expect(await stateOf(service, pairs[199]?.accessToken)).toBe('LIVE')
  await refreshed(service, successor ?? '')
})

test('refreshes of one token on two replicas give the same successor', async () => {
  const account = await signUp(service)
  const replica = await startService({
    databaseUrl: service.app.config.database.url ?? '',
    clock: service.clock,
  })
  try {
    const sent = Array.from({ length: 40 }, (_, n) =>
      refresh(n % 2 ? replica : service, account.refreshToken),
    )
    const pairs = (await Promise.all(sent)).map(pairOf)
    expect(new Set(pairs.map(pair => pair.refreshToken)).size).toBe(1)
    await refreshed(replica, pairs[0]?.refreshToken ?? '')
  } finally {
    await replica.close()
  }
})

test('a spent token that is sent 100 times in parallel is detected once', async () => {
  const account = await signUp(service)
  const { refreshToken } = await refreshed(service, account.refreshToken)
  const current = await refreshed(service, refreshToken)
  const replies = await Promise.all(Array.from({ length: 100 }, () => refresh(service, account.refreshToken)))
  expect(new Set(replies.flatMap(codes))).toEqual(new Set(['REFRESH_TOKEN_INVALID']))
  expect(replies.flatMap(codes)).toHaveLength(100)
  await expectDead(service, current)
  expect(await countEvents(service, account.sessionId, 'session.reuse_detected')).toBe(1)
})

/** The ways to end the session of `victim`; `other` is another session of the account. */
type Ending = [name: string, end: (victim: SignedIn, other: SignedIn) => Promise<Reply<unknown>>]

const endings: Ending[] = [
  ['logout by access token', victim => service.send(Logout, {}, { token: victim.accessToken })],
  [
    'logout by refresh token',
    victim => service.send(Logout, { input: { refreshToken: victim.refreshToken } }),
  ],
  [
    'revokeSession',
    (victim, other) => service.send(RevokeSession, { id: victim.sessionId }, { token: other.accessToken }),
  ],
]

/** These end any number of sessions, so they wait for none of them. */
const massEndings: Ending[] = [
  [
    'revokeOtherSessions',
    (_victim, other) => service.send(RevokeOtherSessions, {}, { token: other.accessToken }),
  ],
  [
    'revokeAllSessions',
    (_victim, other) => service.send(RevokeAllSessions, {}, { token: other.accessToken }),
  ],
  ['changePassword', (_victim, other) => changePassword(other.accessToken)],
]

describe.each(endings)('%s and a parallel refresh', (_name, end) => {
  test('leave no live session when the refresh is first', async () => {
    const victim = await signUp(service)
    const other = await signIn(service, victim.email)
    const [reply, ended] = await meet(
      service,
      { table: 'sessions', id: victim.sessionId },
      () => refresh(service, victim.refreshToken),
      () => end(victim, other),
    )
    expect(codes(ended)).toEqual([])
    await expectDead(service, pairOf(reply))
    await expectDead(service, victim)
  })

  test('leave no live session when the refresh is second', async () => {
    const victim = await signUp(service)
    const other = await signIn(service, victim.email)
    const [ended, reply] = await meet(
      service,
      { table: 'sessions', id: victim.sessionId },
      () => end(victim, other),
      () => refresh(service, victim.refreshToken),
    )
    expect(codes(ended)).toEqual([])
    expect(codes(reply)).toEqual(['REFRESH_TOKEN_INVALID'])
    await expectDead(service, victim)
  })
})

describe.each(massEndings)('%s and a parallel refresh', (_name, end) => {
  test('do not wait for each other and leave no live session', async () => {
    const victim = await signUp(service)
    const other = await signIn(service, victim.email)
    const lock = `SELECT FROM sessions WHERE id = '${victim.sessionId}' FOR NO KEY UPDATE`
    const url = service.app.config.database.url ?? ''
    const pending = await whileHolding(url, lock, async waiting => {
      const waits = refresh(service, victim.refreshToken)
      await waiting(1)
      expect(codes(await end(victim, other))).toEqual([])
      expect(await stateOf(service, victim.accessToken)).toBe('REVOKED')
      return { waits }
    })
    const reply = await pending.waits
    if (reply.errors.length > 0) expect(codes(reply)).toEqual(['REFRESH_TOKEN_INVALID'])
    else await expectDead(service, pairOf(reply))
    await expectDead(service, victim)
  })
})

describe.each([...endings, ...massEndings])('%s and many parallel refreshes', (_name, end) => {
  test('leave no live session in any order', async () => {
    const victim = await signUp(service)
    const other = await signIn(service, victim.email)
    const refreshes = () => Array.from({ length: 10 }, () => refresh(service, victim.refreshToken))
    const [before, ended, after] = await Promise.all([
      Promise.all(refreshes()),
      end(victim, other),
      Promise.all(refreshes()),
    ])
    expect(codes(ended)).toEqual([])
    for (const reply of [...before, ...after]) {
      if (reply.errors.length > 0) expect(codes(reply)).toEqual(['REFRESH_TOKEN_INVALID'])
      else expect(await stateOf(service, pairOf(reply).accessToken)).toBe('REVOKED')
    }
    await expectDead(service, victim)
  })
})

describe('a spent token and a parallel refresh', () => {
  test.each([
    ['first', true],
    ['second', false],
  ])(
    'a spent token and a parallel refresh leave no live session when the refresh is %s',
    async (_order, refreshFirst) => {
      const account = await signUp(service)
      const { refreshToken } = await refreshed(service, account.refreshToken)
      const current = await refreshed(service, refreshToken)
      const row = { table: 'sessions', id: account.sessionId } as const
      const honest = () => refresh(service, current.refreshToken)
      const thief = () => refresh(service, account.refreshToken)
      const replies = await (refreshFirst
        ? meet(service, row, honest, thief)
        : meet(service, row, thief, honest).then(([stolen, fair]) => [fair, stolen] as const))
      expect(codes(replies[1])).toEqual(['REFRESH_TOKEN_INVALID'])
      expect(codes(replies[0])).toEqual(refreshFirst ? [] : ['REFRESH_TOKEN_INVALID'])
      await expectDead(service, refreshFirst ? pairOf(replies[0]) : current)
    },
  )
})

test('an access token used during a refresh does not count as use of the successor', async () => {
  const account = await signUp(service)
  const first = await refreshed(service, account.refreshToken)
  const [reply, state] = await meet(
    service,
    { table: 'sessions', id: account.sessionId },
    () => refresh(service, first.refreshToken),
    () => stateOf(service, first.accessToken),
  )
  expect(state).toBe('LIVE')
  service.clock.advance(5 * MINUTE)
  const repeated = await refreshed(service, first.refreshToken)
  expect(repeated.refreshToken).not.toBe(pairOf(reply).refreshToken)
  expect(await stateOf(service, repeated.accessToken)).toBe('LIVE')
})

describe('a late repeat of a token, and the parallel use of its successor’s access token', () => {
  async function stolen() {
    const account = await signUp(service)
    const thief = await refreshed(service, account.refreshToken)
    service.clock.advance(MINUTE)
    const row = { table: 'sessions', id: account.sessionId } as const
    const repeat = () => refresh(service, account.refreshToken)
    const use = () => stateOf(service, thief.accessToken)
    return { account, thief, row, repeat, use }
  }

  test('a late repeat before the use of its successor ends the session', async () => {
    const { account, row, repeat, use } = await stolen()
    const [repeated, state] = await meet(service, row, repeat, use)
    expect(codes(repeated)).toEqual([])
    expect(state).toBe('REVOKED')
    await expectDead(service, pairOf(repeated))
    expect(await countEvents(service, account.sessionId, 'session.reuse_detected')).toBe(1)
  })

  test('a late repeat after the use of its successor ends the session', async () => {
    const { account, thief, row, repeat, use } = await stolen()
    const [state, repeated] = await meet(service, row, use, repeat)
    expect(state).toBe('LIVE')
    expect(codes(repeated)).toEqual(['REFRESH_TOKEN_INVALID'])
    await expectDead(service, thief)
    expect(await countEvents(service, account.sessionId, 'session.reuse_detected')).toBe(1)
  })
})

test('200 parallel late repeats of one token leave one fresh successor and no dead session', async () => {
  const account = await signUp(service)
  const lost = await refreshed(service, account.refreshToken)
  service.clock.advance(MINUTE)
  const replies = await Promise.all(Array.from({ length: 200 }, () => refresh(service, account.refreshToken)))
  const [fresh, ...more] = new Set(replies.map(pairOf).map(pair => pair.refreshToken))
  expect(more).toEqual([])
  expect(fresh).not.toBe(lost.refreshToken)
  await refreshed(service, fresh ?? '')
})

describe('a login with the old password and a parallel password change', () => {
  const login = (account: SignedIn) =>
    service.send(Login, { input: { identifier: account.email, password: PASSWORD } })

  test('a password change ends the session of a parallel login with the old password', async () => {
    const account = await signUp(service)
    const [reply, changed] = await meet(
      service,
      { table: 'users', id: account.id },
      () => login(account),
      () => changePassword(account.accessToken),
    )
    expect(codes(changed)).toEqual([])
    const payload = reply.data?.login
    await expectDead(service, {
      accessToken: payload?.accessToken ?? '',
      refreshToken: payload?.refreshToken ?? '',
    })
    expect(await stateOf(service, account.accessToken)).toBe('LIVE')
  })

  test('a login with the old password starts no session when a parallel change is first', async () => {
    const account = await signUp(service)
    const [changed, reply] = await meet(
      service,
      { table: 'users', id: account.id },
      () => changePassword(account.accessToken),
      () => login(account),
    )
    expect(codes(changed)).toEqual([])
    expect(codes(reply)).toEqual(['INVALID_CREDENTIALS'])
    const { data } = await service.send(MySessions, {}, { token: account.accessToken })
    expect(data?.me?.sessions.map(session => session.id)).toEqual([account.sessionId])
  })
})

test('of two parallel password changes one wins, and only its session stays live', async () => {
  const one = await signUp(service)
  const two = await signIn(service, one.email)
  const [first, second] = await meet(
    service,
    { table: 'users', id: one.id },
    () => changePassword(one.accessToken, NEW_PASSWORD),
    () => changePassword(two.accessToken, 'nineteen copper engines'),
  )
  expect(codes(first)).toEqual([])
  expect(codes(second)).toEqual(['INVALID_CREDENTIALS'])
  await expectDead(service, two)
  expect(await stateOf(service, one.accessToken)).toBe('LIVE')
  await signIn(service, one.email, NEW_PASSWORD)
})
