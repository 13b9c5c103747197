import { beforeAll, describe, expect, test } from '@jest/globals'
import { prune } from '../../src/maintenance/prune.ts'
import { PASSWORD, type SignedIn, signIn, signUp, signUpWith } from '../support/actors.ts'
import { auditOf } from '../support/audit.ts'
import { mailedToken } from '../support/mails.ts'
import { addSessions, tokensOf } from '../support/many-sessions.ts'
import {
  ChangePassword,
  DeleteAccount,
  DeleteUser,
  DisableUser,
  EnableUser,
  MySessions,
  RequestPasswordReset,
  ResetPassword,
  RevokeAllSessions,
  RevokeOtherSessions,
  RevokeSession,
  RevokeUserSessions,
} from '../support/operations.ts'
import { codes, type Reply, useService } from '../support/service.ts'
import { expectDead, type Pair, refreshed, stateOf } from '../support/sessions.ts'

const service = useService()

const MANY = 10_000
const NEW_PASSWORD = 'eighteen copper kettles'

let admin: SignedIn
beforeAll(async () => {
  admin = await signUpWith(service, 'admin')
})

type Tokens = Pick<Pair, 'accessToken' | 'refreshToken'>

/** An account with 10,002 live sessions, and the tokens of some of its other sessions. */
async function crowded(): Promise<{ account: SignedIn; others: Tokens[] }> {
  const account = await signUp(service)
  const other = await signIn(service, account.email)
  const ids = await addSessions(service, account, MANY)
  const others = await Promise.all(ids.map(id => tokensOf(service, account, id)))
  for (const { accessToken } of others) expect(await stateOf(service, accessToken)).toBe('LIVE')
  return { account, others: [...others, other] }
}

const asAdmin = () => ({ token: admin.accessToken })
const as = ({ accessToken: token }: SignedIn) => ({ token })

const evictions: [name: string, evict: (account: SignedIn) => Promise<Reply<unknown>>][] = [
  ['disableUser', ({ id }) => service.send(DisableUser, { id }, asAdmin())],
  ['revokeUserSessions', ({ id }) => service.send(RevokeUserSessions, { id }, asAdmin())],
  ['revokeAllSessions', account => service.send(RevokeAllSessions, {}, as(account))],
  ['deleteUser', ({ id }) => service.send(DeleteUser, { id }, asAdmin())],
  ['deleteAccount', account => service.send(DeleteAccount, {}, as(account))],
  [
    'resetPassword',
    async ({ email }) => {
      await service.send(RequestPasswordReset, { input: { email } })
      const token = await mailedToken(service, email, 'reset-password')
      return service.send(ResetPassword, { input: { token, newPassword: NEW_PASSWORD } })
    },
  ],
]

describe.each(evictions)('%s', (_name, evict) => {
  test('ends 10,000 sessions of an account', async () => {
    const { account, others } = await crowded()
    expect(codes(await evict(account))).toEqual([])
    for (const session of [account, ...others]) await expectDead(service, session)
    await prune(service.app)
    for (const session of [account, ...others]) await expectDead(service, session)
  })
})

describe.each<[string, (account: SignedIn) => Promise<Reply<unknown>>]>([
  [
    'changePassword',
    account =>
      service.send(
        ChangePassword,
        { input: { currentPassword: PASSWORD, newPassword: NEW_PASSWORD } },
        as(account),
      ),
  ],
  ['revokeOtherSessions', account => service.send(RevokeOtherSessions, {}, as(account))],
])('%s', (_name, evict) => {
  test('ends 10,000 sessions of an account and keeps the session of the request', async () => {
    const { account, others } = await crowded()
    const stranger = await signUp(service)
    expect(codes(await evict(account))).toEqual([])
    for (const session of others) await expectDead(service, session)
    await prune(service.app)
    for (const session of others) await expectDead(service, session)
    expect(await stateOf(service, account.accessToken)).toBe('LIVE')
    const { data } = await service.send(MySessions, {}, as(account))
    expect(data?.me?.sessions).toMatchObject([{ id: account.sessionId, current: true }])
    await refreshed(service, account.refreshToken)
    expect(await stateOf(service, stranger.accessToken)).toBe('LIVE')
  })
})

describe('revoking 10,000 sessions', () => {
  test('revoking 10,000 sessions returns their number once and records one event', async () => {
    const { account } = await crowded()
    const revoke = () => service.send(RevokeUserSessions, { id: account.id }, asAdmin())
    expect((await revoke()).data?.revokeUserSessions).toBe(MANY + 2)
    expect((await revoke()).data?.revokeUserSessions).toBe(0)
    const events = (await auditOf(service, account.id)).filter(({ action }) => action === 'session.revoked')
    expect(events).toMatchObject([{ actorId: admin.id, detail: { count: MANY + 2 } }])
  })

  test('each of 10,000 revoked sessions shows when it ended, before and after the rows are marked', async () => {
    const account = await signUp(service)
    const [other = ''] = await addSessions(service, account, MANY)
    const endedAt = service.clock.now().getTime()
    await service.send(RevokeOtherSessions, {}, as(account))
    service.clock.advance(60)
    // A later ending does not change when the first ones ended.
    const last = await signIn(service, account.email)
    await service.send(RevokeOtherSessions, {}, as(last))
    const revokedAt = async () => {
      const { data, errors } = await service.send(RevokeSession, { id: other }, as(last))
      expect(errors).toEqual([])
      return Date.parse(data?.revokeSession.revokedAt ?? '')
    }
    const before = await revokedAt()
    expect(Math.abs(before - endedAt)).toBeLessThan(5000)
    await prune(service.app)
    expect(await revokedAt()).toBe(before)
    const where = { userId: account.id, revokedAt: null }
    expect(await service.app.db.session.findMany({ where, select: { id: true } })).toEqual([
      { id: last.sessionId },
    ])
    expect(await service.app.db.sessionEnding.count({ where: { userId: account.id } })).toBe(0)
  })

  test('one run marks all sessions, however often the account ended its sessions since', async () => {
    const account = await signUp(service)
    await addSessions(service, account, 3000)
    let last = account
    for (let ending = 0; ending < 5; ending++) {
      last = await signIn(service, account.email)
      expect(codes(await service.send(RevokeOtherSessions, {}, as(last)))).toEqual([])
    }
    // With fresh statistics, PostgreSQL reads the sessions first and meets each with all its endings.
    await service.app.pool.query('ANALYZE sessions, session_endings')
    await prune(service.app)
    const where = { userId: account.id, revokedAt: null }
    expect(await service.app.db.session.findMany({ where, select: { id: true } })).toEqual([
      { id: last.sessionId },
    ])
  })

  test('the sessions of a disabled account stay revoked when it is enabled again', async () => {
    const { account, others } = await crowded()
    await service.send(DisableUser, { id: account.id }, asAdmin())
    await service.send(EnableUser, { id: account.id }, asAdmin())
    for (const session of [account, ...others]) await expectDead(service, session)
    const again = await signIn(service, account.email)
    expect(await stateOf(service, again.accessToken)).toBe('LIVE')
    await refreshed(service, again.refreshToken)
  })
})

test('a deleted account leaves none of its 10,000 sessions in the database', async () => {
  const { account } = await crowded()
  await service.send(DeleteAccount, {}, as(account))
  await prune(service.app)
  expect(await service.app.db.session.count({ where: { userId: account.id } })).toBe(0)
  expect(await service.app.db.sessionEnding.count({ where: { userId: account.id } })).toBe(0)
})

test('50 mass revocations of one account at the same time all succeed or find their session ended', async () => {
  const account = await signUp(service)
  const sessions = [account]
  while (sessions.length < 5) sessions.push(await signIn(service, account.email))
  const replies = await Promise.all(
    Array.from({ length: 50 }, (_, at) => {
      const session = sessions[at % sessions.length] ?? account
      if (at % 7 === 6) return service.send(RevokeUserSessions, { id: account.id }, asAdmin())
      return service.send(at % 2 ? RevokeAllSessions : RevokeOtherSessions, {}, as(session))
    }),
  )
  for (const { errors } of replies) {
    for (const { extensions } of errors) {
      expect(extensions).toEqual({ code: 'UNAUTHENTICATED', reason: 'REVOKED' })
    }
  }
  for (const session of sessions) await expectDead(service, session)
})

test('if two sessions end each other at the same time, exactly one of them stays', async () => {
  const one = await signUp(service)
  const two = await signIn(service, one.email)
  const revoke = (session: SignedIn) => service.send(RevokeOtherSessions, {}, as(session))
  const replies = await Promise.all([revoke(one), revoke(two)])
  expect(replies.flatMap(codes)).toEqual(['UNAUTHENTICATED'])
  const states = [await stateOf(service, one.accessToken), await stateOf(service, two.accessToken)]
  expect(states.sort()).toEqual(['LIVE', 'REVOKED'])
})

test('a session that revokes the others ten times in parallel stays live', async () => {
  const account = await signUp(service)
  await addSessions(service, account, 50)
  const replies = await Promise.all(
    Array.from({ length: 10 }, () => service.send(RevokeOtherSessions, {}, as(account))),
  )
  expect(replies.flatMap(codes)).toEqual([])
  const counts = replies.map(({ data }) => data?.revokeOtherSessions ?? 0)
  expect(counts.reduce((sum, count) => sum + count)).toBe(50)
  await refreshed(service, account.refreshToken)
})

test('a list of sessions is bounded even if a document requests it several times', async () => {
  const { account } = await crowded()
  const fields = 'id createdAt lastUsedAt expiresAt userAgent ipAddress deviceName'
  const aliases = Array.from({ length: 8 }, (_, at) => `a${at}: sessions { ${fields} }`)
  const { data, errors } = await service.send<{ me: Record<string, unknown[]> }, object>(
    `{ me { ${aliases.join(' ')} } }`,
    {},
    as(account),
  )
  expect(errors).toEqual([])
  for (const sessions of Object.values(data?.me ?? {})) expect(sessions.length).toBeLessThanOrEqual(100)
})

test('a response contains at most 5,000 sessions of all accounts together', async () => {
  for (let count = 0; count < 13; count++) await addSessions(service, await signUp(service), 99)
  const ask = (lists: string) =>
    service.send(
      `{ users(first: 13, orderBy: { field: CREATED_AT, direction: DESC }) { nodes { ${lists} } } }`,
      {},
      asAdmin(),
    )
  expect(codes(await ask('a: sessions { id } b: sessions { id } c: sessions { id }'))).toEqual([])
  const tooMany = await ask('a: sessions { id } b: sessions { id } c: sessions { id } d: sessions { id }')
  expect(new Set(codes(tooMany))).toEqual(new Set(['QUERY_TOO_COMPLEX']))
  expect(codes(await ask('sessions { id }'))).toEqual([])
})
