import { randomUUID } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import type { DocumentNode } from 'graphql'
import { type AuditAction, auditActions } from '../../src/audit/actions.ts'
import {
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
  ChangePassword,
  ConfirmEmailChange,
  CreateRole,
  DeleteAccount,
  DeleteRole,
  DisableUser,
  EnableUser,
  ExportAccount,
  InviteUser,
  Login,
  Logout,
  Me,
  Reauthenticate,
  Refresh,
  RequestEmailChange,
  RequestPasswordReset,
  ResendVerificationEmail,
  ResetPassword,
  RevokeSession,
  RotateSigningKey,
  SetUserRoles,
  UndoEmailChange,
  UpdateProfile,
  UpdateRole,
  UpdateUser,
  VerifyEmail,
} from '../support/operations.ts'
import { useService } from '../support/service.ts'

// Logs everything, so that the tests notice secrets in the log.
const service = useService({ settings: { LOG_LEVEL: 'trace' } })

const USER_AGENT = 'authograph-test/1.0'
const headers = { 'user-agent': USER_AGENT }

const as = ({ accessToken: token }: SignedIn) => ({ token, headers })
const send = (document: DocumentNode, variables: Record<string, unknown>, viewer?: SignedIn) =>
  service.send(document, variables, viewer ? as(viewer) : { headers })

type Case = {
  /** Causes the event. */
  act: (subject: SignedIn, admin: SignedIn) => Promise<unknown>
  actor: 'subject' | 'admin' | 'none'
}

const cases: [AuditAction, Case][] = [
  [
    'session.started',
    {
      actor: 'subject',
      act: ({ email }) => send(Login, { input: { identifier: email, password: PASSWORD } }),
    },
  ],
  [
    'session.denied',
    { actor: 'none', act: ({ email }) => send(Login, { input: { identifier: email, password: 'wrong' } }) },
  ],
  [
    'session.refresh_repeated',
    {
      actor: 'none',
      act: async ({ refreshToken }) => {
        await service.send(Refresh, { input: { refreshToken } })
        await send(Refresh, { input: { refreshToken } })
      },
    },
  ],
  [
    'session.refresh_ahead',
    {
      actor: 'none',
      act: async ({ refreshToken, sessionId }) => {
        const { data } = await service.send(Refresh, { input: { refreshToken } })
        // The state after the restore of an older backup.
        await service.app.db.session.update({ where: { id: sessionId }, data: { generation: 0 } })
        await send(Refresh, { input: { refreshToken: data?.refreshToken.refreshToken } })
      },
    },
  ],
  [
    'user.profile_updated',
    { actor: 'subject', act: subject => send(UpdateProfile, { input: { displayName: 'Ada' } }, subject) },
  ],
  [
    'user.password_changed',
    {
      actor: 'subject',
      act: subject =>
        send(
          ChangePassword,
          { input: { currentPassword: PASSWORD, newPassword: 'eighteen copper kettles' } },
          subject,
        ),
    },
  ],
  [
    'session.reauthenticated',
    { actor: 'subject', act: subject => send(Reauthenticate, { input: { password: PASSWORD } }, subject) },
  ],
  [
    'user.roles_changed',
    {
      actor: 'admin',
      act: (subject, admin) => send(SetUserRoles, { id: subject.id, roles: ['support'] }, admin),
    },
  ],
  [
    'user.updated',
    {
      actor: 'admin',
      act: ({ id }, admin) => send(UpdateUser, { id, input: { displayName: 'Grace' } }, admin),
    },
  ],
  ['session.ended', { actor: 'subject', act: subject => send(Logout, {}, subject) }],
  [
    'user.verification_requested',
    { actor: 'none', act: ({ email }) => send(ResendVerificationEmail, { input: { email } }) },
  ],
  [
    'user.email_verified',
    {
      actor: 'subject',
      act: async ({ email }) =>
        send(VerifyEmail, { input: { token: await mailedToken(service, email, 'verify-email') } }),
    },
  ],
  [
    'user.reset_requested',
    { actor: 'none', act: ({ email }) => send(RequestPasswordReset, { input: { email } }) },
  ],
  [
    'user.email_change_requested',
    {
      actor: 'subject',
      act: subject => send(RequestEmailChange, { input: { newEmail: newAddress() } }, subject),
    },
  ],
  ['user.exported', { actor: 'subject', act: subject => send(ExportAccount, {}, subject) }],
]

test.each(cases)(
  '%s is recorded with its time, actor, subject and origin',
  async (action, { act, actor }) => {
    const [subject, admin] = [await signUp(service), await signUpWith(service, 'admin')]
    const before = await auditOf(service, subject.id)
    service.clock.advance(60)
    await act(subject, admin)
    const events = (await auditOf(service, subject.id)).slice(before.length)
    expect(events).toMatchObject([
      {
        action,
        actorId: { subject: subject.id, admin: admin.id, none: null }[actor],
        subjectId: subject.id,
        ipAddress: '127.0.0.1',
        userAgent: USER_AGENT,
      },
    ])
    const agoSeconds = (service.clock.now().getTime() - (events[0]?.at.getTime() ?? 0)) / 1000
    expect(agoSeconds).toBeLessThan(50)
  },
)

test('a registration is recorded with the session that it started', async () => {
  const { id, sessionId } = await signUp(service)
  expect(await auditOf(service, id)).toMatchObject([
    { action: 'user.registered', actorId: id },
    { action: 'session.started', actorId: id, detail: { sessionId } },
  ])
})

test('a password reset is recorded with the number of sessions that it ended', async () => {
  const subject = await signUp(service)
  await resetPassword(subject, 'eighteen copper kettles')
  expect((await auditOf(service, subject.id)).slice(-2)).toMatchObject([
    { action: 'session.revoked', actorId: subject.id, detail: { because: 'password reset' } },
    { action: 'user.password_reset', actorId: subject.id, ipAddress: '127.0.0.1', userAgent: USER_AGENT },
  ])
})

test('a change of address and its undo are recorded without the addresses', async () => {
  const subject = await signUpVerified(service)
  const { to, tokens } = await changeEmail(subject)
  const events = (await auditOf(service, subject.id)).filter(({ action }) => action.includes('email_change'))
  expect(events.map(({ action }) => action)).toEqual([
    'user.email_change_requested',
    'user.email_changed',
    'user.email_change_undone',
  ])
  for (const { actorId, ipAddress } of events) {
    expect([actorId, ipAddress]).toEqual([subject.id, '127.0.0.1'])
  }
  const written = JSON.stringify(await auditOf(service, subject.id))
  for (const secret of [to, subject.email, ...tokens]) expect(written).not.toContain(secret)
})

test('a deletion is recorded without its origin', async () => {
  const subject = await signUp(service)
  await send(DeleteAccount, {}, subject)
  expect((await auditOf(service, subject.id)).at(-1)).toMatchObject({
    action: 'user.deleted',
    actorId: subject.id,
    ipAddress: null,
    userAgent: null,
  })
})

test('reading is not recorded', async () => {
  const subject = await signUp(service)
  const count = await service.app.db.auditEvent.count()
  await send(Me, {}, subject)
  await send(Me, {})
  expect(await service.app.db.auditEvent.count()).toBe(count)
})

/** Sets a new password with a link, and returns the link's token. */
async function resetPassword({ email }: { email: string }, newPassword: string): Promise<string> {
  await send(RequestPasswordReset, { input: { email } })
  const token = await mailedToken(service, email, 'reset-password')
  await send(ResetPassword, { input: { token, newPassword } })
  return token
}

/** Changes the address and undoes the change, and returns the tokens of both links. */
async function changeEmail(subject: SignedIn): Promise<{ to: string; tokens: string[] }> {
  const to = newAddress()
  await send(RequestEmailChange, { input: { newEmail: to } }, subject)
  const confirming = await mailedToken(service, to, 'confirm-email')
  await send(ConfirmEmailChange, { input: { token: confirming } })
  const undoing = await mailedToken(service, subject.email, 'undo-email')
  await send(UndoEmailChange, { input: { token: undoing } })
  return { to, tokens: [confirming, undoing] }
}

/** Invites a user, creates a role for them and deletes both, and returns the invitation's token. */
async function administer(admin: SignedIn): Promise<string> {
  const input = { name: `role-${randomUUID().slice(0, 8)}`, permissions: ['users:read'] }
  await send(CreateRole, { input }, admin)
  await send(UpdateRole, { name: input.name, input: { ...input, permissions: [] } }, admin)
  await send(DeleteRole, { name: input.name }, admin)
  const email = newAddress()
  const { data } = await service.send(InviteUser, { input: { email } }, as(admin))
  const id = data?.inviteUser.id
  await send(DisableUser, { id, reason: 'A reason' }, admin)
  await send(EnableUser, { id }, admin)
  return mailedToken(service, email, 'accept-invitation')
}

describe('secrets', () => {
  /** Causes all recorded events and returns the secrets involved, except the stored hashes. */
  async function live(): Promise<{ secrets: string[]; hashes: string[] }> {
    const one = await signUp(service)
    const { passwordHash } = await service.app.db.user.findUniqueOrThrow({ where: { id: one.id } })
    const admin = await signUpWith(service, 'admin')
    for (const [, { act }] of cases) await act(await signUp(service), admin)

    const newPassword = 'eighteen copper kettles'
    const wrong = 'canary in the coal mine'
    const input = { refreshToken: one.refreshToken }
    const { data } = await service.send(Refresh, { input }, { headers })
    const two = await signIn(service, one.email)
    await send(Login, { input: { identifier: one.email, password: wrong } })
    await send(Login, { input: { identifier: 'unknown@example.com', password: wrong } })
    await send(Reauthenticate, { input: { password: wrong } }, two)
    await send(AuditLog, {}, two)
    await send(RotateSigningKey, {}, admin)
    // Reaches the limit on reauthentication.
    for (let guess = 0; guess < 11; guess++) await send(Reauthenticate, { input: { password: wrong } }, admin)
    await send(ChangePassword, { input: { currentPassword: PASSWORD, newPassword } }, two)
    await send(RevokeSession, { id: one.sessionId }, two)
    const three = await signIn(service, one.email, newPassword)
    for (const _ of [1, 2]) {
      const again = await service.send(Refresh, { input: { refreshToken: three.refreshToken } }, { headers })
      if (again.data) await send(Me, {}, { ...three, accessToken: again.data.refreshToken.accessToken })
      service.clock.advance(40)
    }
    const resetTo = 'nineteen silver spoons'
    const mailed = [await resetPassword(one, resetTo), await administer(admin)]
    mailed.push(...(await changeEmail(await signIn(service, one.email, resetTo))).tokens)
    const unopened = await signUp(service)
    mailed.push(await mailedToken(service, unopened.email, 'verify-email'))
    await send(DeleteAccount, {}, await signUp(service))
    const user = await service.app.db.user.findUniqueOrThrow({ where: { id: admin.id } })
    const keys = service.app.keys.signing.map(({ privateKey }) => privateKey.export({ format: 'jwk' }).d)
    const tokens = [one, two, three, admin].flatMap(session => [session.accessToken, session.refreshToken])
    const successor = data?.refreshToken
    const secrets = [
      PASSWORD,
      newPassword,
      resetTo,
      wrong,
      ...mailed,
      ...tokens,
      successor?.accessToken,
      successor?.refreshToken,
      ...keys,
    ] as string[]
    const hashes = [user.passwordHash, passwordHash].flatMap(hash => hash?.split('$').slice(-2) ?? '')
    return { secrets, hashes }
  }

  test('no operation leaves a password, token or hash in the audit log or in the log', async () => {
    const all = await live()
    const secrets = [...all.secrets, ...all.hashes]
    const events = await service.app.db.auditEvent.findMany()
    const actions = new Set(events.map(event => event.action))
    // Other tests cause the events of the command line (test/cli, test/admin), of required verification
    // (test/enumeration/register.test.ts), of the outbox (test/mail/outbox.test.ts, test/admin/operations/mails.test.ts), and of
    // links that end early (test/admin/users/end-email-undo.test.ts) and keys that leaked (test/keys/revocation.test.ts),
    // and second factors and passkeys (test/sign-in, test/self-service/factors, test/self-service/passkeys).
    const elsewhere: AuditAction[] = [
      'user.created',
      'user.imported',
      'users.exported',
      'audit.exported',
      'audit.pruned',
      'registration.requested',
      'user.registered_again',
      'mail.failed',
      'mail.retried',
      'user.email_change_undo_ended',
      'factor.denied',
      'factor.code_requested',
      'factor.added',
      'factor.removed',
      'device.trusted',
      'device.trust_ended',
      'factor.counter_regressed',
      'factor.requirement_changed',
      'factor.reset',
      'user.impersonated',
      'session.stepped_up',
      'user.email_login_requested',
      'recovery_code.renewed',
      'factor.suspended',
      'factor.recovery_requested',
      'factor.recovery_canceled',
      'factor.recovered',
      'recovery_code.used',
      // test/webhooks causes those of webhooks.
      'webhook.created',
      'webhook.updated',
      'webhook.secret_rotated',
      'webhook.deleted',
      'webhook.delivery_failed',
      'webhook.delivery_retried',
      // test/oauth causes those of service accounts, and looks for their secrets.
      'service.created',
      'service.updated',
      'service.secret_rotated',
      'service.deleted',
      'service.denied',
      'service.token_issued',
      'service.token_revoked',
      'key.revoked',
      'key.refresh_replaced',
      'factor.renamed',
      'user.password_removed',
      // test/sessions/bound-sessions.test.ts looks for tokens and proofs.
      'session.copy_refused',
      // test/http/provider-callback.test.ts looks for the secrets of sign-ins with providers.
      // test/api-keys/api-keys.test.ts looks for the secrets of API keys.
      'api_key.created',
      'api_key.deleted',
      'identity.linked',
      'identity.token_used',
      'identity.unlinked',
    ]
    expect([...actions, ...elsewhere].sort()).toEqual(Object.keys(auditActions).sort())

    const written = JSON.stringify(events) + service.logged.splice(0).join('\n')
    expect(written).toContain('127.0.0.1')
    expect(secrets.filter(secret => !secret || secret.length < 15)).toEqual([])
    // The secret part of a refresh token is its last one; that of a JWT is its signature.
    const parts = secrets.flatMap(secret => [secret, secret.split('.').at(-1) as string])
    expect(parts.filter(part => written.includes(part))).toEqual([])
  })

  test('an API key in the address of a request is not used, and neither the answer nor the log has it', async () => {
    const owner = await signUpVerified(service)
    const { data } = await service.send<{ createApiKey: { secret: string } }, object>(
      'mutation { createApiKey(input: { name: "Report", permissions: [] }) { secret } }',
      {},
      as(owner),
    )
    const { secret = '' } = data?.createApiKey ?? {}
    const me = (token: string) => service.send('{ me { id } }', {}, { token })
    expect((await me(secret)).data).toEqual({ me: { id: owner.id } })
    expect((await me(`${secret}x`)).errors[0]?.extensions.reason).toBe('INVALID')
    const query = ['access_token', 'api_key', 'apiKey', 'token', 'key']
      .map(name => `${name}=${secret}`)
      .join('&')
    const headers = { 'content-type': 'application/json' }
    const body = JSON.stringify({ query: '{ me { id } }' })
    const asked = await fetch(`${service.url}/graphql?${query}`, { method: 'POST', headers, body })
    const answers = [await asked.text(), await (await fetch(`${service.url}/nothing?${query}`)).text()]
    expect(answers[0]).toContain('MISSING')
    expect([...answers, ...service.logged].filter(text => text.includes(secret.slice(-64)))).toEqual([])
  })

  test('no operation leaves a password or token in the database', async () => {
    const { secrets } = await live()
    const { rows: tables } = await service.app.pool.query<{ name: string }>(
      `SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public'`,
    )
    const dumps = await Promise.all(
      tables.map(({ name }) =>
        service.app.pool.query<{ row: string }>(`SELECT t::text AS row FROM ${name} t`),
      ),
    )
    const dump = dumps.flatMap(({ rows }) => rows.map(({ row }) => row)).join('\n')
    expect(dump).toContain('$argon2id$')
    expect(secrets.length).toBeGreaterThan(12)
    const parts = secrets.flatMap(secret => [secret, secret.split('.').at(-1) as string])
    expect(parts.filter(part => dump.includes(part))).toEqual([])
  })
})

test('the audit log cannot be changed, not even with SQL', async () => {
  await signUp(service)
  const { pool } = service.app
  for (const sql of [
    'UPDATE audit_events SET action = action',
    'DELETE FROM audit_events',
    'TRUNCATE audit_events',
  ]) {
    await expect(pool.query(sql)).rejects.toThrow('append-only')
  }
})

test('events of a deleted account can only lose personal data, and change in no other way', async () => {
  const subject = await signUp(service)
  await send(SetUserRoles, { id: subject.id, roles: ['user'] }, await signUpWith(service, 'admin'))
  await service.app.db.user.delete({ where: { id: subject.id } })
  const change = (set: string) =>
    service.app.pool.query(`UPDATE audit_events SET ${set} WHERE subject_id = $1`, [subject.id])
  for (const set of [
    `action = 'user.created'`,
    'at = now()',
    'subject_id = NULL',
    'actor_id = NULL',
    `ip_address = '192.0.2.1'`,
    `user_agent = 'another'`,
    `detail = '{"another": true}'`,
  ]) {
    await expect(change(set)).rejects.toThrow('append-only')
  }
  await change(`ip_address = NULL, user_agent = NULL, detail = '{}'`)
  expect(await auditOf(service, subject.id)).toMatchObject([
    { action: 'user.registered', ipAddress: null },
    { action: 'session.started', detail: {} },
    { action: 'user.roles_changed', userAgent: null, detail: {} },
  ])
})
