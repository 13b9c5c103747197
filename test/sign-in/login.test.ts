import { describe, expect, test } from '@jest/globals'
import type { DocumentNode } from 'graphql'
import { liveSessions } from '../../src/sessions/list-sessions.ts'
import { PASSWORD, signIn, signUp } from '../support/actors.ts'
import { actionsOf, auditOf } from '../support/audit.ts'
import { ChangePassword, Login, Me } from '../support/operations.ts'
import { meetingOf, whileProving } from '../support/proving.ts'
import { refusedFields } from '../support/refused.ts'
import { codes, type Sending, type Service, startService, useService } from '../support/service.ts'

const service = useService()

const login = (
  input: Record<string, unknown>,
  { on = service, ...sending }: Sending & { on?: Service } = {},
) => on.send(Login as DocumentNode, { input: { password: PASSWORD, ...input } }, sending)

const users = () => service.app.db.user
const disable = (id: string) => users().update({ where: { id }, data: { disabledAt: service.clock.now() } })

test('a sign-in starts a new session and updates lastLoginAt', async () => {
  const account = await signUp(service)
  service.clock.advance(3600)
  const { data, errors } = await service.send(Login, {
    input: { identifier: account.email, password: PASSWORD, deviceName: 'Ada’s phone' },
  })
  expect(errors).toEqual([])
  const payload = data?.login
  expect(payload).toMatchObject({
    __typename: 'AuthPayload',
    session: { current: true, deviceName: 'Ada’s phone' },
    user: { id: account.id, email: account.email },
  })
  expect(payload?.session.id).not.toBe(account.sessionId)
  const agoSeconds = (service.clock.now().getTime() - Date.parse(payload?.user.lastLoginAt ?? '')) / 1000
  expect(agoSeconds).toBeLessThan(60)
  const me = await service.send(Me, {}, { token: payload?.accessToken })
  expect(me.data?.me?.lastLoginAt).toBe(payload?.user.lastLoginAt)
  expect(await actionsOf(service, account.id)).toEqual([
    'user.registered',
    'session.started',
    'session.started',
  ])
})

test('the address and the username sign in in any spelling', async () => {
  const email = 'Many.Spellings@Bücher.example'
  const { id } = await signUp(service, { email, username: 'Many_Spellings' })
  for (const identifier of [
    email,
    'many.spellings@xn--bcher-kva.example',
    ' MANY.SPELLINGS@BÜCHER。EXAMPLE ',
    'many_spellings',
    ' MANY_SPELLINGS ',
  ]) {
    expect(await login({ identifier })).toMatchObject({
      errors: [],
      data: { login: { user: { id, email } } },
    })
  }
})

test('a session with rememberMe: false ends within a day', async () => {
  const { email } = await signUp(service)
  const now = service.clock.now().getTime()
  const { data } = await service.send(Login, {
    input: { identifier: email, password: PASSWORD, rememberMe: false },
  })
  const seconds = (Date.parse(data?.login.session.expiresAt ?? '') - now) / 1000
  expect(seconds).toBeGreaterThan(86_000)
  expect(seconds).toBeLessThan(86_500)
})

test.each([
  ['identifier', ['a'.repeat(321), null, 7]],
  ['password', ['', 'a'.repeat(4097), null, 7]],
  ['deviceName', ['a'.repeat(101), 'my\tphone', 7]],
  ['rememberMe', ['yes', 1]],
  ['tokenTransport', ['PIGEON']],
] as [string, unknown[]][])('an invalid %s is rejected by field', async (field, values) => {
  for (const value of values) {
    const reply = await login({ identifier: 'ada@example.com', [field]: value })
    expect(Object.keys(refusedFields(reply))).toEqual([`input.${field}`])
  }
})

test('a wrong password, an unknown account and an account without a password get the same answer', async () => {
  const username = 'same.answer'
  const { email } = await signUp(service, { username })
  const hashless = await signUp(service)
  await users().update({ where: { id: hashless.id }, data: { passwordHash: null } })
  const [first, ...others] = await Promise.all([
    login({ identifier: email, password: 'wrong' }),
    login({ identifier: username, password: 'wrong' }),
    login({ identifier: 'unknown@example.com' }),
    login({ identifier: 'unknown' }),
    login({ identifier: 'neither a name nor an address' }),
    login({ identifier: '' }),
    login({ identifier: hashless.email }),
  ])
  expect(codes(first!)).toEqual(['INVALID_CREDENTIALS'])
  for (const other of others) {
    expect([other.status, other.data, other.errors]).toEqual([first?.status, first?.data, first?.errors])
  }
})

test('a failed sign-in is recorded, with the account if there is one', async () => {
  const { id, email } = await signUp(service)
  const withoutAccount = { where: { action: 'session.denied', subjectId: null } }
  const before = await service.app.db.auditEvent.count(withoutAccount)
  await login({ identifier: email, password: 'wrong' }, { headers: { 'user-agent': 'canary/1.0' } })
  await login({ identifier: 'unknown.address@example.com' })
  expect((await auditOf(service, id)).at(-1)).toMatchObject({
    action: 'session.denied',
    actorId: null,
    ipAddress: '127.0.0.1',
    userAgent: 'canary/1.0',
  })
  expect(await service.app.db.auditEvent.count(withoutAccount)).toBe(before + 1)
})

describe('an invalid access token in the request', () => {
  test.each(['stale', ''])('does not prevent a sign-in: %j', async token => {
    const { email } = await signUp(service)
    expect(codes(await login({ identifier: email }, { token }))).toEqual([])
  })

  test('does not turn a failed sign-in into UNAUTHENTICATED', async () => {
    const reply = await login({ identifier: 'unknown@example.com' }, { token: 'stale' })
    expect(codes(reply)).toEqual(['INVALID_CREDENTIALS'])
  })
})

describe('a disabled account', () => {
  test('is revealed only after the correct password, and each attempt is recorded', async () => {
    const { id, email } = await signUp(service)
    await disable(id)
    expect(codes(await login({ identifier: email, password: 'wrong' }))).toEqual(['INVALID_CREDENTIALS'])
    expect(codes(await login({ identifier: email }))).toEqual(['ACCOUNT_DISABLED'])
    expect((await actionsOf(service, id)).slice(2)).toEqual(['session.denied', 'session.denied'])
    expect(await service.app.db.session.count({ where: { userId: id } })).toBe(1)
  })

  test('loses its sessions immediately, and regains them when it is enabled', async () => {
    const { id, accessToken: token } = await signUp(service)
    await disable(id)
    const reply = await service.send(Me, {}, { token })
    expect(reply.errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED', reason: 'REVOKED' } }])
    await users().update({ where: { id }, data: { disabledAt: null } })
    expect(codes(await service.send(Me, {}, { token }))).toEqual([])
  })

  test('gets no session from a sign-in in progress', async () => {
    const { id, email } = await signUp(service)
    const reply = await whileProving(
      service,
      () => disable(id),
      () => login({ identifier: email }),
    )
    expect(codes(reply)).toEqual(['ACCOUNT_DISABLED'])
    expect(await service.app.db.session.count({ where: { userId: id } })).toBe(1)
  })
})

test('a password that changes during the sign-in starts no session', async () => {
  const { id, email, accessToken: token } = await signUp(service)
  const newPassword = 'eighteen copper kettles'
  const real = await signIn(service, email)
  const input = { currentPassword: PASSWORD, newPassword }
  let changed: Promise<unknown> | undefined
  const reply = await whileProving(
    service,
    () => {
      // The change verifies the password too, which would call this function again.
      if (changed) return
      changed = service.send(ChangePassword, { input }, { token })
      return changed
    },
    () => login({ identifier: email }),
  )
  expect(codes(reply)).toEqual(['INVALID_CREDENTIALS'])
  const live = await liveSessions(service.app, id)
  expect(live.map(session => session.id)).not.toContain(real.sessionId)
  expect(live).toHaveLength(1)
})

describe('a hash with older parameters', () => {
  const onReplica = async (run: (replica: Service) => Promise<void>) => {
    const replica = await startService({
      databaseUrl: service.app.config.database.url!,
      settings: {
        ARGON2_MEMORY_KIB: '128',
        ARGON2_TIME_COST: '3',
        ARGON2_PARALLELISM: '2',
        HASH_CONCURRENCY: '8',
      },
    })
    try {
      await run(replica)
      expect(replica.logged).toEqual([])
    } finally {
      await replica.close()
    }
  }
  const hashOf = async (id: string) => (await users().findUniqueOrThrow({ where: { id } })).passwordHash

  test('is renewed by the next successful sign-in, which changes nothing else', async () => {
    const { id, email, accessToken: token } = await signUp(service)
    const before = await users().findUniqueOrThrow({ where: { id } })
    await onReplica(async replica => {
      await login({ identifier: email, password: 'wrong' }, { on: replica })
      expect(await hashOf(id)).toBe(before.passwordHash)

      await signIn(replica, email)
      const after = await users().findUniqueOrThrow({ where: { id } })
      expect(after.passwordHash).toMatch(/^\$argon2id\$v=19\$m=128,t=3,p=2\$/)
      const { passwordHash, lastLoginAt, ...rest } = before
      expect(after).toMatchObject(rest)
      expect(codes(await service.send(Me, {}, { token }))).toEqual([])

      await signIn(replica, email)
      expect(await hashOf(id)).toBe(after.passwordHash)
    })
  })

  test('is renewed by simultaneous sign-ins, all of which succeed', async () => {
    const { email } = await signUp(service)
    await onReplica(async replica => {
      const replies = await whileProving(replica, meetingOf(4), () =>
        Promise.all(Array.from({ length: 4 }, () => login({ identifier: email }, { on: replica }))),
      )
      expect(replies.flatMap(codes)).toEqual([])
    })
  })
})
