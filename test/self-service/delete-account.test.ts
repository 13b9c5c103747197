import { randomUUID } from 'node:crypto'
import { describe, expect, jest, test } from '@jest/globals'
import type { DocumentNode } from 'graphql'
import { prune } from '../../src/maintenance/prune.ts'
import {
  login,
  newAddress,
  PASSWORD,
  type SignedIn,
  signIn,
  signUp,
  signUpVerified,
  signUpWith,
} from '../support/actors.ts'
import { auditOf } from '../support/audit.ts'
import { mailedToken } from '../support/mails.ts'
import {
  AuditLog,
  DeleteAccount,
  DisableUser,
  EnableUser,
  ExportAccount,
  Login,
  Reauthenticate,
  Register,
  RequestEmailChange,
  RequestPasswordReset,
  ResetPassword,
  SetUserRoles,
  UpdateProfile,
  VerifyEmail,
} from '../support/operations.ts'
import { whileHolding } from '../support/race.ts'
import { codes, type Reply, type Service, startService, useService } from '../support/service.ts'
import { expectDead, FIREFOX, refreshed } from '../support/sessions.ts'

const service = useService({ impatient: true })

const as = ({ accessToken: token }: SignedIn) => ({ token, headers: { 'user-agent': FIREFOX } })
const deleteOwn = (account: SignedIn) => service.send(DeleteAccount, {}, as(account))

/** The same account with a valid access token, 11 minutes after the password was verified. */
async function stale(account: SignedIn): Promise<SignedIn> {
  service.clock.advance(660)
  return { ...account, ...(await refreshed(service, account.refreshToken)) }
}

const BEFORE_ALL = { afterAt: new Date(0), afterId: '00000000-0000-0000-0000-000000000000' }

/** Expects that no table contains these texts. */
async function expectForgotten({ app: { pool } }: Service, personal: string[]): Promise<void> {
  const { rows: tables } = await pool.query<{ name: string }>(
    `SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public'`,
  )
  for (const { name } of tables) {
    const { rows } = await pool.query<{ row: string }>(`SELECT t::text AS row FROM ${name} t`)
    const dump = rows.map(({ row }) => row).join('\n')
    expect([name, personal.filter(text => dump.includes(text))]).toEqual([name, []])
  }
}

describe('deleting your account', () => {
  test('deletes the names, the sessions, the roles and the links', async () => {
    const account = await signUp(service, { username: randomUUID().slice(0, 30) })
    const other = await signIn(service, account.email)
    const token = await mailedToken(service, account.email, 'verify-email')
    expect((await deleteOwn(account)).data?.deleteAccount).toBe(true)
    for (const session of [account, other]) await expectDead(service, session)
    expect(codes(await login(service, { identifier: account.email }))).toEqual(['INVALID_CREDENTIALS'])
    const input = { token, newPassword: 'eighteen copper kettles' }
    expect(codes(await service.send(ResetPassword, { input }))).toEqual(['TOKEN_INVALID'])
    // The address is free again.
    const again = await signUp(service, { email: account.email })
    expect(again.id).not.toBe(account.id)
  })

  test('leaves no personal data in the database after the last email is sent', async () => {
    const email = newAddress('lovelace')
    const username = `ada-${randomUUID().slice(0, 20)}`
    const account = await signUpVerified(service, { email, username })
    await service.send(UpdateProfile, { input: { displayName: 'Countess Lovelace' } }, as(account))
    await signIn(service, email)
    const newEmail = newAddress('king')
    await service.send(RequestEmailChange, { input: { newEmail } }, as(account))
    await login(service, { identifier: email, password: 'wrong' })
    await deleteOwn(account)
    expect((await service.mailsTo(email)).at(-1)?.subject).toBe('Your account at Authograph has been deleted')
    await expectForgotten(service, [email, username, newEmail, 'Lovelace', account.sessionId])
  })

  test('leaves no trace of where rate-limited attempts came from', async () => {
    const account = await signUp(service, { username: `ada-${randomUUID().slice(0, 20)}` })
    const { username } = await service.app.db.user.findUniqueOrThrow({ where: { id: account.id } })
    const headers = { 'user-agent': `Analytical Engine ${randomUUID()}` }
    const attempts: [DocumentNode, Record<string, unknown>][] = [
      [Login, { identifier: account.email, password: 'wrong' }],
      [Login, { identifier: username, password: 'wrong' }],
      [Reauthenticate, { password: 'wrong' }],
      [RequestPasswordReset, { email: account.email }],
    ]
    for (const [document, input] of attempts) {
      const failures = []
      for (let attempt = 0; attempt < 11; attempt++) {
        const sending = { token: account.accessToken, headers }
        failures.push(...codes(await service.send(document, { input }, sending)))
      }
      expect(failures.at(-1)).toBe('RATE_LIMITED')
    }
    const hits = { action: 'limit.hit', userAgent: headers['user-agent'] }
    expect(await service.app.db.auditEvent.count({ where: hits })).toBe(attempts.length)
    await deleteOwn(account)
    await service.mailsTo(account.email)
    await expectForgotten(service, [account.email, ...Object.values(headers)])
  })

  test('leaves no personal data of pending registrations of the address', async () => {
    const strict = await startService({ settings: { EMAIL_VERIFICATION: 'required' } })
    try {
      const email = newAddress('lovelace')
      const headers = { 'user-agent': `Analytical Engine ${randomUUID()}` }
      const other = { 'user-agent': `Difference Engine ${randomUUID()}` }
      await strict.send(Register, { input: { email, password: 'another good one' } }, { headers: other })
      await strict.mailsTo(email)
      await strict.send(Register, { input: { email, password: PASSWORD } }, { headers })
      const token = await mailedToken(strict, email, 'verify-email')
      expect(codes(await strict.send(VerifyEmail, { input: { token } }, { headers }))).toEqual([])
      const { accessToken } = await signIn(strict, email)
      expect(codes(await strict.send(DeleteAccount, {}, { token: accessToken }))).toEqual([])
      await strict.mailsTo(email)
      await expectForgotten(strict, [email, ...Object.values(headers), ...Object.values(other)])
    } finally {
      await strict.close()
    }
  })

  test('keeps the audit events, without addresses, devices and details', async () => {
    const [account, admin] = [await signUp(service), await signUpWith(service, 'admin')]
    await service.send(UpdateProfile, { input: { displayName: 'Ada' } }, as(account))
    await service.send(SetUserRoles, { id: account.id, roles: ['user', 'support'] }, as(admin))
    await login(service, { identifier: account.email, password: 'wrong' })
    const before = await auditOf(service, account.id)
    await deleteOwn(account)
    const after = await auditOf(service, account.id)
    expect(after.map(({ action }) => action)).toEqual([...before.map(({ action }) => action), 'user.deleted'])
    const own = after.filter(({ actorId }) => actorId !== admin.id)
    expect(own.map(({ ipAddress, userAgent, detail }) => [ipAddress, userAgent, detail])).toEqual(
      own.map(() => [null, null, {}]),
    )
    // The event of an administrator keeps the administrator's data.
    expect(after.find(({ actorId }) => actorId === admin.id)).toMatchObject({
      action: 'user.roles_changed',
      ipAddress: '127.0.0.1',
      userAgent: FIREFOX,
      detail: {},
    })
    const { data } = await service.send(
      AuditLog,
      { filter: { subjectId: account.id, action: 'user.deleted' } },
      as(admin),
    )
    expect(data?.auditLog.nodes).toMatchObject([{ actor: null, subject: null }])
  })

  describe('with more events than one transaction can change', () => {
    const personal = ({ id: subjectId }: SignedIn) =>
      service.app.db.auditEvent.count({ where: { subjectId, ipAddress: { not: null } } })

    async function busy(): Promise<SignedIn> {
      const account = await signUp(service)
      const event = { action: 'session.denied', at: service.clock.now(), ipAddress: '192.0.2.1' }
      await service.app.db.auditEvent.createMany({
        data: Array.from({ length: 4500 }, () => ({ ...event, subjectId: account.id })),
      })
      return account
    }

    const unfinished = ({ id: subjectId }: SignedIn) => service.app.db.erasure.count({ where: { subjectId } })

    test('redacts them all', async () => {
      const account = await busy()
      expect(codes(await deleteOwn(account))).toEqual([])
      expect(await personal(account)).toBe(0)
      expect(await unfinished(account)).toBe(0)
      expect((await auditOf(service, account.id)).at(-1)).toMatchObject({
        action: 'user.deleted',
        detail: {},
      })
    })

    test('answers after two seconds, and maintenance redacts the rest', async () => {
      const account = await left()
      expect(await personal(account)).toBeGreaterThan(0)
      await prune(service.app, { maxBatches: 1 })
      expect(await unfinished(account)).toBe(1)
      await prune(service.app)
      expect(await personal(account)).toBe(0)
      expect(await unfinished(account)).toBe(0)
    })

    test('neither waits for nor fails with the events of another account', async () => {
      const [failing, other] = [await left(), await left()]
      const lock = `SELECT FROM audit_events WHERE subject_id = '${failing.id}' FOR UPDATE`
      await whileHolding(service.app.config.database.url ?? '', lock, async () => {
        await prune(service.app)
        return []
      })
      expect(await personal(other)).toBe(0)
      expect(await personal(failing)).toBeGreaterThan(0)
      const lines = service.logged.splice(0)
      expect(lines).toEqual([expect.stringContaining('could not redact')])
      expect(lines[0]).toContain(failing.id)
      await prune(service.app)
      expect(await personal(failing)).toBe(0)
    })

    test('shares the batches of a run among accounts, so that a busy one does not delay the others', async () => {
      const [busyOne, other] = [await left(), await signUp(service)]
      await deleteOwn(other)
      await service.app.db.erasure.create({
        data: { subjectId: other.id, requestedAt: new Date(), triedAt: new Date(), ...BEFORE_ALL },
      })
      for (let turn = 0; turn < 4; turn++) await prune(service.app, { maxBatches: 1 })
      expect([await unfinished(other), await unfinished(busyOne)]).toEqual([0, 1])
      await prune(service.app)
    })

    /** A deleted account with most of its events left to redact. */
    async function left(): Promise<SignedIn> {
      const account = await busy()
      let now = 0
      const clock = jest.spyOn(performance, 'now').mockImplementation(() => (now += 1100))
      try {
        expect(codes(await deleteOwn(account))).toEqual([])
      } finally {
        clock.mockRestore()
      }
      return account
    }
  })

  test('leaves other accounts alone', async () => {
    const [account, other] = [await signUp(service), await signUp(service)]
    const before = await auditOf(service, other.id)
    const emails = await service.app.db.mail.count({ where: { recipient: other.email } })
    await deleteOwn(account)
    expect(await auditOf(service, other.id)).toEqual(before)
    expect(await service.app.db.mail.count({ where: { recipient: other.email } })).toBe(emails)
    expect(codes(await login(service, { identifier: other.email }))).toEqual([])
  })

  test('requires a sign-in within the last 10 minutes, or the password again', async () => {
    const account = await stale(await signUp(service))
    expect(codes(await deleteOwn(account))).toEqual(['REAUTHENTICATION_REQUIRED'])
    await service.send(Reauthenticate, { input: { password: PASSWORD } }, as(account))
    expect(codes(await deleteOwn(account))).toEqual([])
  })

  test('happens once, even if it is requested many times simultaneously', async () => {
    const account = await signUp(service)
    const replies = await Promise.all(Array.from({ length: 6 }, () => deleteOwn(account)))
    const succeeded = replies.filter(({ data }) => data?.deleteAccount)
    expect(succeeded).toHaveLength(1)
    const failed = replies.flatMap(codes)
    expect(failed.filter(code => code !== 'NOT_FOUND' && code !== 'UNAUTHENTICATED')).toEqual([])
    const where = { action: 'user.deleted', subjectId: account.id }
    expect(await service.app.db.auditEvent.count({ where })).toBe(1)
  })

  test('clears the cookie', async () => {
    const email = newAddress()
    const input = { email, password: PASSWORD, tokenTransport: 'COOKIE' as const }
    const origin = { origin: 'http://localhost:4000' }
    const reply = await service.send(Register, { input }, { headers: origin })
    const cookie = reply.headers.getSetCookie()[0]?.split(';')[0] ?? ''
    const token = reply.data?.register.__typename === 'AuthPayload' ? reply.data.register.accessToken : ''
    const deleted = await service.send(DeleteAccount, {}, { token, headers: { ...origin, cookie } })
    expect(deleted.headers.getSetCookie()[0]).toMatch(/=;.*(Max-Age=0|Expires=Thu, 01 Jan 1970)/)
  })
})

describe('the last administrator', () => {
  const onlyAdmins = (...admins: SignedIn[]) =>
    service.app.db.userRole.deleteMany({
      where: { roleName: 'admin', userId: { notIn: admins.map(({ id }) => id) } },
    })

  test('cannot be deleted, and the error says what to do', async () => {
    const admin = await signUpWith(service, 'admin')
    await onlyAdmins(admin)
    const reply = await deleteOwn(admin)
    expect(reply.errors).toMatchObject([
      { message: expect.stringContaining('another account'), extensions: { code: 'CONFLICT' } },
    ])
    expect(codes(await login(service, { identifier: admin.email }))).toEqual([])
  })

  test('is the one that remains of several deleted simultaneously', async () => {
    const admins = await Promise.all(Array.from({ length: 4 }, () => signUpWith(service, 'admin')))
    await onlyAdmins(...admins)
    const replies = await Promise.all(admins.map(deleteOwn))
    expect(replies.flatMap(codes)).toEqual(['CONFLICT'])
    expect(await service.app.db.userRole.count({ where: { roleName: 'admin' } })).toBe(1)
  })

  test('is the one that remains when another is deleted or demoted simultaneously', async () => {
    const [one, two] = [await signUpWith(service, 'admin'), await signUpWith(service, 'admin')]
    await onlyAdmins(one, two)
    const lock = `SELECT FROM roles WHERE name = 'admin' FOR UPDATE`
    const met = await whileHolding(service.app.config.database.url ?? '', lock, async waiting => {
      const replies: Promise<Pick<Reply<unknown>, 'errors'>>[] = [deleteOwn(one)]
      await waiting(1)
      replies.push(service.send(SetUserRoles, { id: two.id, roles: ['user'] }, as(two)))
      await waiting(2)
      return replies
    })
    expect((await Promise.all(met)).map(codes)).toEqual([[], ['CONFLICT']])
  })
})

describe('an export of your data', () => {
  const exported = async (account: SignedIn) => {
    const { data, errors } = await service.send(ExportAccount, {}, as(account))
    expect(errors).toEqual([])
    return JSON.parse(data?.exportAccount ?? '') as Record<string, unknown>
  }

  test('contains the profile, the sessions and the events, and no secrets', async () => {
    const account = await signUp(service)
    await service.send(UpdateProfile, { input: { displayName: 'Ada' } }, as(account))
    await service.app.db.user.update({
      where: { id: account.id },
      data: { publicMetadata: { theme: 'dark' }, privateMetadata: { note: 'of the administration' } },
    })
    const admin = await signUpWith(service, 'admin')
    await service.send(SetUserRoles, { id: account.id, roles: ['user', 'support'] }, as(admin))
    const { mails: emails, ...all } = await exported(account)
    expect(emails).toMatchObject([{ template: 'verify-email', recipient: account.email }])
    expect(all).toMatchObject({
      account: {
        id: account.id,
        email: account.email,
        displayName: 'Ada',
        publicMetadata: { theme: 'dark' },
        roles: ['support', 'user'],
      },
      sessions: [{ id: account.sessionId, ipAddress: '127.0.0.1' }],
      events: [
        { action: 'user.registered', by: 'you', ipAddress: '127.0.0.1' },
        { action: 'session.started', by: 'you', detail: { sessionId: account.sessionId } },
        { action: 'user.profile_updated', by: 'you', userAgent: FIREFOX },
        { action: 'user.roles_changed', by: 'another account' },
        { action: 'user.exported', by: 'you' },
      ],
    })
    const text = JSON.stringify(all)
    for (const secret of ['argon2', 'salt', 'note', admin.id, 'of the administration']) {
      expect(text).not.toContain(secret)
    }
    const [byAdmin] = (all.events as { by: string }[]).filter(({ by }) => by === 'another account')
    expect(byAdmin).not.toHaveProperty('ipAddress')
  })

  test('contains about other people only that an action happened', async () => {
    const [admin, other] = [await signUpWith(service, 'admin'), await signUp(service)]
    await service.send(SetUserRoles, { id: other.id, roles: ['user', 'support'] }, as(admin))
    const { events } = await exported(admin)
    const done = (events as { action: string }[]).find(({ action }) => action === 'user.roles_changed')
    expect(done).toMatchObject({ by: 'you', ipAddress: '127.0.0.1' })
    expect(done).not.toHaveProperty('detail')
    expect(JSON.stringify(events)).not.toContain(other.id)
  })

  test('contains that the account was disabled, but not why', async () => {
    const [account, admin] = [await signUp(service), await signUpWith(service, 'admin')]
    const reason = 'Ask Charles, who complained'
    await service.send(DisableUser, { id: account.id, reason }, as(admin))
    await service.send(EnableUser, { id: account.id }, as(admin))
    const { events } = await exported(await signIn(service, account.email))
    const disabled = (events as { action: string }[]).find(({ action }) => action === 'user.disabled')
    expect(disabled).toMatchObject({ by: 'another account', detail: { after: expect.anything() } })
    expect(JSON.stringify(events)).not.toContain('Charles')
  })

  test('requires a sign-in within the last 10 minutes', async () => {
    const account = await stale(await signUp(service))
    expect(codes(await service.send(ExportAccount, {}, as(account)))).toEqual(['REAUTHENTICATION_REQUIRED'])
  })
})

test('with MAIL=off, operations that need email say so to everyone, and the others work', async () => {
  const silent = await startService({ settings: { MAIL: 'off' } })
  try {
    const account = await signUp(silent)
    const asking = [
      'mutation ($email: String!) { requestPasswordReset(input: { email: $email }) }',
      'mutation ($email: String!) { resendVerificationEmail(input: { email: $email }) }',
      'mutation ($email: String!) { requestEmailChange(input: { newEmail: $email }) }',
    ]
    for (const text of asking) {
      for (const email of [account.email, newAddress(), 'invalid']) {
        const { errors } = await silent.send(text, { email }, { token: account.accessToken })
        expect(errors).toMatchObject([
          { message: expect.stringContaining('doesn’t send email'), extensions: { code: 'CONFLICT' } },
        ])
      }
    }
    expect(codes(await silent.send(DeleteAccount, {}, { token: account.accessToken }))).toEqual([])
    expect(await silent.app.db.mail.count()).toBe(0)
  } finally {
    await silent.close()
  }
})
