import { describe, expect, test } from '@jest/globals'
import { PASSWORD, type SignedIn, signIn, signUp } from '../support/actors.ts'
import { auditOf } from '../support/audit.ts'
import { addSessions } from '../support/many-sessions.ts'
import { Login, Logout, MySessions } from '../support/operations.ts'
import { codes, useService } from '../support/service.ts'
import { DAY, expectDead, refreshed, stateOf } from '../support/sessions.ts'

const service = useService({ settings: { SESSIONS_MAX: '5' } })

async function listed({ accessToken: token }: SignedIn): Promise<string[]> {
  const { data } = await service.send(MySessions, {}, { token })
  return (data?.me?.sessions ?? []).map(({ id }) => id)
}

/** An account with SESSIONS_MAX sessions, oldest first. */
async function full(): Promise<[SignedIn, ...SignedIn[]]> {
  const first = await signUp(service)
  const more: SignedIn[] = []
  while (more.length < 4) {
    service.clock.advance(1)
    more.push(await signIn(service, first.email))
  }
  return [first, ...more]
}

test('an account can have up to SESSIONS_MAX live sessions', async () => {
  const sessions = await full()
  for (const { accessToken } of sessions) expect(await stateOf(service, accessToken)).toBe('LIVE')
})

test('a session beyond SESSIONS_MAX ends the oldest one, and the audit log records why', async () => {
  const [oldest, ...others] = await full()
  service.clock.advance(1)
  const sixth = await signIn(service, oldest.email)
  await expectDead(service, oldest)
  for (const { accessToken } of [...others, sixth]) expect(await stateOf(service, accessToken)).toBe('LIVE')
  const events = (await auditOf(service, oldest.id)).filter(({ action }) => action === 'session.revoked')
  expect(events).toMatchObject([{ actorId: oldest.id, detail: { count: 1, because: 'too many sessions' } }])
})

test('ended sessions do not count toward SESSIONS_MAX', async () => {
  const [oldest, second] = await full()
  await service.send(Logout, {}, { token: second?.accessToken })
  await signIn(service, oldest.email)
  expect(await stateOf(service, oldest.accessToken)).toBe('LIVE')
})

test('expired sessions do not count toward SESSIONS_MAX', async () => {
  const oldest = await signUp(service)
  const login = { identifier: oldest.email, password: PASSWORD, rememberMe: false }
  for (let count = 0; count < 4; count++) await service.send(Login, { input: login })
  service.clock.advance(2 * DAY)
  const later = await signIn(service, oldest.email)
  const { accessToken } = await refreshed(service, oldest.refreshToken)
  expect(await listed({ ...later, accessToken })).toHaveLength(2)
  expect((await auditOf(service, oldest.id)).map(({ action }) => action)).not.toContain('session.revoked')
})

test('parallel sign-ins of one account leave no more than SESSIONS_MAX sessions', async () => {
  const account = await signUp(service)
  const input = { identifier: account.email, password: PASSWORD }
  const replies = await Promise.all(Array.from({ length: 9 }, () => service.send(Login, { input })))
  const started = replies.flatMap(({ data }) => data?.login.accessToken ?? [])
  expect(started).toHaveLength(9)
  const states = await Promise.all(started.map(token => stateOf(service, token)))
  expect(states.filter(state => state === 'LIVE')).toHaveLength(5)
})

test('a registration starts the first session, and SESSIONS_MAX of one account does not affect others', async () => {
  const [stranger] = await full()
  const [account] = await full()
  await signIn(service, account.email)
  expect(await stateOf(service, stranger.accessToken)).toBe('LIVE')
})

describe('an account with 10,000 sessions from before the limit', () => {
  test('an account from before the limit loses old sessions with each sign-in and sees at most SESSIONS_MAX', async () => {
    const account = await signUp(service)
    await addSessions(service, account, 10_000, {
      created_at: `created_at - n * interval '1 second'`,
    })
    const live = async () => {
      const { rows } = await service.app.pool.query<{ count: number }>(
        'SELECT count(*)::int FROM sessions WHERE user_id = $1 AND revoked_at IS NULL',
        [account.id],
      )
      return rows[0]?.count
    }
    const latest = await signIn(service, account.email)
    expect(await live()).toBe(10_002 - 1000)
    expect(await listed(latest)).toHaveLength(5)
    expect(await stateOf(service, account.accessToken)).toBe('LIVE')
    for (let round = 0; round < 9; round++) expect(codes(await login(account))).toEqual([])
    expect(await live()).toBeLessThan(1100)
    expect(codes(await login(account))).toEqual([])
    expect(await live()).toBe(5)
  })
})

const login = ({ email }: SignedIn) =>
  service.send(Login, { input: { identifier: email, password: PASSWORD } })
