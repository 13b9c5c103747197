import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, test } from '@jest/globals'
import type { DocumentNode } from 'graphql'
import {
  newAddress,
  PASSWORD,
  type SignedIn,
  signIn,
  signUp,
  signUpVerified,
  signUpWith,
} from '../../support/actors.ts'
import { auditOf } from '../../support/audit.ts'
import { mailedToken, templatesTo } from '../../support/mails.ts'
import {
  ConfirmEmailChange,
  CreateRole,
  DeleteAccount,
  DeleteUser,
  DisableUser,
  EnableUser,
  InviteUser,
  Login,
  Me,
  RequestEmailChange,
  RequestPasswordReset,
  ResetPassword,
  RevokeUserSessions,
  SetUserRoles,
  UpdateUser,
  VerifyEmail,
} from '../../support/operations.ts'
import { meet } from '../../support/race.ts'
import { refusedFields } from '../../support/refused.ts'
import { codes, useService } from '../../support/service.ts'

const service = useService()
const withoutMail = useService({ settings: { MAIL: 'off' } })

let admin: SignedIn
beforeAll(async () => {
  admin = await signUpWith(service, 'admin')
})

const as = ({ accessToken }: SignedIn) => ({ token: accessToken })
const send = (document: DocumentNode, variables: Record<string, unknown>, viewer = admin) =>
  service.send(document, variables, as(viewer))
const userOf = (id: string) => service.app.db.user.findUnique({ where: { id } })
const isSignedIn = async (account: SignedIn) => codes(await service.send(Me, {}, as(account))).length === 0

/** Somebody who may change accounts and delete them, and no more. */
async function clerk(...more: string[]): Promise<SignedIn> {
  const name = `clerk-${randomUUID().slice(0, 8)}`
  const permissions = ['users:read', 'users:write', 'users:delete', ...more]
  await send(CreateRole, { input: { name, permissions } })
  return signUpWith(service, name)
}

async function invite(input: Record<string, unknown>, viewer = admin): Promise<string> {
  const { data, errors } = await service.send(
    InviteUser,
    { input: { email: newAddress(), ...input } },
    as(viewer),
  )
  expect(errors).toEqual([])
  return data?.inviteUser.id ?? ''
}

describe('inviteUser', () => {
  test('makes an account whose owner sets the password by the link of a mail, and is verified by that', async () => {
    const email = newAddress()
    const input = { email, username: `u${randomUUID().slice(0, 8)}`, displayName: 'Grace', locale: 'ko' }
    const { data, errors } = await service.send(InviteUser, { input }, as(admin))
    expect(errors).toEqual([])
    expect(data?.inviteUser).toEqual({
      ...input,
      id: expect.any(String),
      emailVerified: false,
      roles: ['user'],
      passwordChangedAt: null,
    })
    expect(codes(await service.send(Login, { input: { identifier: email, password: PASSWORD } }))).toEqual([
      'INVALID_CREDENTIALS',
    ])
    expect((await service.mailsTo(email))[0]?.subject).toContain('초대')
    const token = await mailedToken(service, email, 'accept-invitation')
    expect(codes(await service.send(ResetPassword, { input: { token, newPassword: PASSWORD } }))).toEqual([])
    const { accessToken } = await signIn(service, email)
    expect((await service.send(Me, {}, { token: accessToken })).data?.me).toMatchObject({
      id: data?.inviteUser.id,
      emailVerified: true,
    })
  })

  test('is good for seven days and for one use', async () => {
    const email = newAddress()
    await invite({ email })
    const token = await mailedToken(service, email, 'accept-invitation')
    const accept = () => service.send(ResetPassword, { input: { token, newPassword: PASSWORD } })
    service.clock.advance(7 * 86_400 - 60)
    // The administrator's session has not idled away meanwhile, the token not expired.
    expect(codes(await accept())).toEqual([])
    expect(codes(await accept())).toEqual(['TOKEN_INVALID'])
    admin = await signIn(service, admin.email)
    const late = newAddress()
    await invite({ email: late })
    const expired = await mailedToken(service, late, 'accept-invitation')
    service.clock.advance(7 * 86_400 + 1)
    admin = await signIn(service, admin.email)
    expect(
      codes(await service.send(ResetPassword, { input: { token: expired, newPassword: PASSWORD } })),
    ).toEqual(['TOKEN_INVALID'])
  })

  test('again sends a new link that ends the older one, and leaves the account as it was', async () => {
    const email = newAddress()
    const id = await invite({ email, displayName: 'Grace' })
    const older = await mailedToken(service, email, 'accept-invitation')
    expect(
      await invite({ email: email.toUpperCase(), displayName: 'Hopper', roles: ['user', 'support'] }),
    ).toBe(id)
    expect(await userOf(id)).toMatchObject({ displayName: 'Grace', email })
    expect(await templatesTo(service, email)).toEqual(['invitation', 'invitation'])
    const newer = await mailedToken(service, email, 'accept-invitation')
    const accept = (token: string) => service.send(ResetPassword, { input: { token, newPassword: PASSWORD } })
    expect(codes(await accept(older))).toEqual(['TOKEN_INVALID'])
    expect(codes(await accept(newer))).toEqual([])
    expect(codes(await send(InviteUser, { input: { email } }))).toEqual(['EMAIL_TAKEN'])
    expect((await auditOf(service, id)).slice(0, 2)).toMatchObject([
      { action: 'user.invited', actorId: admin.id, detail: { roles: ['user'] } },
      { action: 'user.invited', actorId: admin.id, detail: { again: true } },
    ])
  })

  test('of the same address many times at once makes one account, and the last link alone is good', async () => {
    const email = newAddress()
    const [userId = '', ...others] = await Promise.all(Array.from({ length: 5 }, () => invite({ email })))
    expect(others).toEqual(Array(4).fill(userId))
    expect(await service.app.db.emailToken.count({ where: { userId, purpose: 'invitation' } })).toBe(1)
  })

  test('of an address or a username that is taken says so, and sends nothing', async () => {
    const taken = await signUp(service, { username: `u${randomUUID().slice(0, 8)}` })
    const { username } = (await userOf(taken.id)) ?? {}
    const email = newAddress()
    expect(codes(await send(InviteUser, { input: { email: taken.email } }))).toEqual(['EMAIL_TAKEN'])
    expect(codes(await send(InviteUser, { input: { email, username } }))).toEqual(['USERNAME_TAKEN'])
    expect(await templatesTo(service, email)).toEqual([])
    expect(await service.app.db.user.count({ where: { email } })).toBe(0)
  })

  test('of a disabled account without a password sends nothing', async () => {
    const email = newAddress()
    const id = await invite({ email })
    await send(DisableUser, { id })
    expect(codes(await send(InviteUser, { input: { email } }))).toEqual(['EMAIL_TAKEN'])
    expect(await templatesTo(service, email)).toEqual(['invitation'])
  })

  test.each([
    [{ email: 'nobody' }, 'input.email'],
    [{ username: 'a b' }, 'input.username'],
    [{ displayName: 'two\nlines' }, 'input.displayName'],
    [{ locale: 'x_y' }, 'input.locale'],
    [{ roles: ['user', 'root'] }, 'input.roles'],
    [{ roles: ['\0'] }, 'input.roles'],
  ])('refuses %j', async (wrong, field) => {
    const input = { email: newAddress(), ...wrong }
    expect(Object.keys(refusedFields(await send(InviteUser, { input })))).toEqual([field])
    expect(await service.app.db.user.count({ where: { email: input.email } })).toBe(0)
  })

  test('gives the roles that the inviter may give, and no others', async () => {
    const roles = ['support']
    expect(await userRoles(await invite({ roles }))).toEqual(['support'])
    const [writer, giver] = [await clerk(), await clerk('roles:write', 'audit:read')]
    const by = (viewer: SignedIn, names: string[]) =>
      send(InviteUser, { input: { email: newAddress(), roles: names } }, viewer)
    expect(codes(await by(writer, roles))).toEqual(['FORBIDDEN'])
    expect(codes(await by(writer, ['user']))).toEqual(['FORBIDDEN'])
    expect(await userRoles(await invite({}, writer))).toEqual(['user'])
    expect(codes(await by(giver, roles))).toEqual([])
    expect(codes(await by(giver, ['admin']))).toEqual(['FORBIDDEN'])
  })

  test('is a CONFLICT where the server sends no mail', async () => {
    const { accessToken: token } = await signUpWith(withoutMail, 'admin')
    const reply = await withoutMail.send(InviteUser, { input: { email: newAddress() } }, { token })
    expect(codes(reply)).toEqual(['CONFLICT'])
    expect(reply.errors[0]?.message).toContain('no mail')
  })
})

async function userRoles(userId: string): Promise<string[]> {
  const rows = await service.app.db.userRole.findMany({ where: { userId }, orderBy: { roleName: 'asc' } })
  return rows.map(row => row.roleName)
}

describe('updateUser', () => {
  test('changes what is named, and the log has the fields that changed, before and after', async () => {
    const { id, email } = await signUp(service)
    const username = `u${randomUUID().slice(0, 8)}`
    const secret = { apiKey: 'a key of the embedding program' }
    const input = { username, displayName: 'Grace', privateMetadata: secret }
    const { data, errors } = await service.send(UpdateUser, { id, input }, as(admin))
    expect(errors).toEqual([])
    expect(data?.updateUser).toMatchObject({
      id,
      email,
      username,
      displayName: 'Grace',
      locale: 'en',
      publicMetadata: {},
      privateMetadata: secret,
    })
    await send(UpdateUser, {
      id,
      input: { displayName: null, locale: 'ko', publicMetadata: { theme: 'dark' } },
    })
    expect(await userOf(id)).toMatchObject({
      username,
      displayName: null,
      locale: 'ko',
      publicMetadata: { theme: 'dark' },
      privateMetadata: secret,
    })
    const events = (await auditOf(service, id)).filter(event => event.action === 'user.updated')
    expect(events.map(({ actorId, detail }) => ({ actorId, detail }))).toEqual([
      {
        actorId: admin.id,
        detail: {
          before: { username: null, displayName: null },
          after: { username, displayName: 'Grace' },
          metadata: ['privateMetadata'],
        },
      },
      {
        actorId: admin.id,
        detail: {
          before: { displayName: 'Grace', locale: 'en' },
          after: { displayName: null, locale: 'ko' },
          metadata: ['publicMetadata'],
        },
      },
    ])
    expect(JSON.stringify(events)).not.toContain('a key of')
  })

  test('another address counts as unverified, gets a link, ends those of the old one, which is told', async () => {
    const account = await signUp(service)
    await service.send(VerifyEmail, {
      input: { token: await mailedToken(service, account.email, 'verify-email') },
    })
    await service.send(RequestPasswordReset, { input: { email: account.email } })
    const reset = await mailedToken(service, account.email, 'reset-password')
    const email = newAddress()
    const { data } = await service.send(UpdateUser, { id: account.id, input: { email } }, as(admin))
    expect(data?.updateUser).toMatchObject({ email, emailVerified: false })
    expect(await isSignedIn(account)).toBe(true)
    expect(
      codes(
        await service.send(ResetPassword, { input: { token: reset, newPassword: 'a new pass of words' } }),
      ),
    ).toEqual(['TOKEN_INVALID'])
    const notice = (await service.mailsTo(account.email)).at(-1)
    expect(notice?.text).toContain(email)
    expect(notice?.text).not.toContain('token=')
    const token = await mailedToken(service, email, 'verify-email')
    expect((await service.send(VerifyEmail, { input: { token } })).data?.verifyEmail).toMatchObject({
      email,
      emailVerified: true,
    })
    await signIn(service, email)
  })

  test('an address that its former owner may still take back goes to nobody else, but back to its account', async () => {
    const [moved, other] = [await signUpVerified(service), await signUp(service)]
    const input = { newEmail: newAddress() }
    await service.send(RequestEmailChange, { input }, as(moved))
    const token = await mailedToken(service, input.newEmail, 'confirm-email')
    expect(codes(await service.send(ConfirmEmailChange, { input: { token } }))).toEqual([])
    const give = ({ id }: SignedIn) => send(UpdateUser, { id, input: { email: moved.email } })
    expect(codes(await give(other))).toEqual(['EMAIL_TAKEN'])
    expect(codes(await give(moved))).toEqual([])
    expect((await userOf(moved.id))?.email).toBe(moved.email)
  })

  test('another spelling of the same address is no other address', async () => {
    const account = await signUp(service)
    const email = account.email.toUpperCase()
    const before = await userOf(account.id)
    const templates = await templatesTo(service, account.email)
    await send(UpdateUser, { id: account.id, input: { email } })
    expect(await userOf(account.id)).toMatchObject({ email, emailCanonical: before?.emailCanonical })
    expect(await templatesTo(service, account.email)).toEqual(templates)
    expect(await templatesTo(service, email)).toEqual([])
  })

  test('the address of an invitation that was mistyped: the invitation goes to the new one', async () => {
    const [wrong, right] = [newAddress(), newAddress()]
    const id = await invite({ email: wrong })
    const lost = await mailedToken(service, wrong, 'accept-invitation')
    await send(UpdateUser, { id, input: { email: right } })
    expect(await templatesTo(service, right)).toEqual(['invitation'])
    const accept = (token: string) => service.send(ResetPassword, { input: { token, newPassword: PASSWORD } })
    expect(codes(await accept(lost))).toEqual(['TOKEN_INVALID'])
    expect(codes(await accept(await mailedToken(service, right, 'accept-invitation')))).toEqual([])
  })

  test('names that are taken are refused, and of two that want one address at once one gets it', async () => {
    const username = `u${randomUUID().slice(0, 8)}`
    const [taken, one, two] = [
      await signUp(service, { username }),
      await signUp(service),
      await signUp(service),
    ]
    expect(codes(await send(UpdateUser, { id: one.id, input: { email: taken.email } }))).toEqual([
      'EMAIL_TAKEN',
    ])
    expect(codes(await send(UpdateUser, { id: one.id, input: { username } }))).toEqual(['USERNAME_TAKEN'])
    const email = newAddress()
    const replies = await Promise.all([one, two].map(({ id }) => send(UpdateUser, { id, input: { email } })))
    expect(replies.flatMap(codes)).toEqual(['EMAIL_TAKEN'])
    expect(await service.app.db.user.count({ where: { email } })).toBe(1)
  })

  test.each([
    [{ email: 'nobody' }, 'input.email'],
    [{ username: 'x' }, 'input.username'],
    [{ displayName: 'x'.repeat(101) }, 'input.displayName'],
    [{ locale: '' }, 'input.locale'],
    [{ publicMetadata: { long: 'x'.repeat(8200) } }, 'input.publicMetadata'],
    [
      { privateMetadata: { a: { b: { c: { d: { e: { f: { g: { h: { i: 1 } } } } } } } } } },
      'input.privateMetadata',
    ],
  ])('refuses %j', async (input, field) => {
    const { id } = await signUp(service)
    const before = await userOf(id)
    expect(Object.keys(refusedFields(await send(UpdateUser, { id, input })))).toEqual([field])
    expect(await userOf(id)).toEqual(before)
  })

  test('the own address is changed by proving the new one', async () => {
    const reply = await send(UpdateUser, { id: admin.id, input: { email: newAddress() } })
    expect(codes(reply)).toEqual(['CONFLICT'])
    expect(reply.errors[0]?.message).toContain('requestEmailChange')
    expect(codes(await send(UpdateUser, { id: admin.id, input: { displayName: 'Admin' } }))).toEqual([])
  })
})

describe('disableUser and enableUser', () => {
  test('end all sessions at once, keep the owner out, tell by mail, and let in again', async () => {
    const account = await signUpVerified(service)
    const other = await signIn(service, account.email)
    const { data, errors } = await service.send(
      DisableUser,
      { id: account.id, reason: 'Left the company' },
      as(admin),
    )
    expect(errors).toEqual([])
    expect(data?.disableUser).toEqual({ id: account.id, disabledAt: expect.any(String), sessions: [] })
    expect([await isSignedIn(account), await isSignedIn(other)]).toEqual([false, false])
    const login = () => service.send(Login, { input: { identifier: account.email, password: PASSWORD } })
    expect(codes(await login())).toEqual(['ACCOUNT_DISABLED'])
    expect((await templatesTo(service, account.email)).at(-1)).toBe('account-disabled')
    const mail = (await service.mailsTo(account.email)).at(-1)
    expect(mail?.text).not.toContain('Left the company')

    const enabled = await service.send(EnableUser, { id: account.id }, as(admin))
    expect(enabled.data?.enableUser).toEqual({ id: account.id, disabledAt: null })
    expect(codes(await login())).toEqual([])
    expect([await isSignedIn(account), await isSignedIn(other)]).toEqual([false, false])
    const disabledAt = data?.disableUser.disabledAt
    const events = (await auditOf(service, account.id)).filter(({ actorId }) => actorId === admin.id)
    expect(events).toMatchObject([
      {
        action: 'user.disabled',
        detail: { before: { disabledAt: null }, after: { disabledAt }, reason: 'Left the company' },
      },
      { action: 'session.revoked', detail: { because: 'account disabled', count: 2 } },
      { action: 'user.enabled', detail: { before: { disabledAt }, after: { disabledAt: null } } },
    ])
  })

  test('do nothing a second time', async () => {
    const { id } = await signUp(service)
    await send(EnableUser, { id })
    await send(DisableUser, { id })
    const { disabledAt } = (await userOf(id)) ?? {}
    service.clock.advance(60)
    expect(codes(await send(DisableUser, { id, reason: 'again' }))).toEqual([])
    expect((await userOf(id))?.disabledAt).toEqual(disabledAt)
    expect((await auditOf(service, id)).filter(({ action }) => action.endsWith('abled'))).toHaveLength(1)
  })

  test('refuse a reason of many lines or many characters', async () => {
    const { id } = await signUp(service)
    for (const reason of ['two\nlines', 'x'.repeat(501)])
      expect(Object.keys(refusedFields(await send(DisableUser, { id, reason })))).toEqual(['reason'])
    expect((await userOf(id))?.disabledAt).toBeNull()
  })
})

test('revokeUserSessions ends all sessions of an account and says how many', async () => {
  const account = await signUp(service)
  const other = await signIn(service, account.email)
  const revoke = async () =>
    (await service.send(RevokeUserSessions, { id: account.id }, as(admin))).data?.revokeUserSessions
  expect([await revoke(), await revoke()]).toEqual([2, 0])
  expect([await isSignedIn(account), await isSignedIn(other), await isSignedIn(admin)]).toEqual([
    false,
    false,
    true,
  ])
  const events = await auditOf(service, account.id)
  expect(events.filter(({ action }) => action === 'session.revoked')).toMatchObject([
    { actorId: admin.id, detail: { count: 2 } },
  ])
})

describe('deleteUser', () => {
  test('removes the account and all that belongs to it, and leaves the address free', async () => {
    const account = await signUpVerified(service)
    const { data, errors } = await service.send(DeleteUser, { id: account.id }, as(admin))
    expect([errors, data?.deleteUser]).toEqual([[], true])
    expect(await isSignedIn(account)).toBe(false)
    expect(await userOf(account.id)).toBeNull()
    expect(await service.app.db.session.count({ where: { userId: account.id } })).toBe(0)
    expect((await service.mailsTo(account.email)).map(({ subject }) => subject)).toContain(
      'Your account at Authograph has been deleted',
    )
    const events = await auditOf(service, account.id)
    expect(events.at(-1)).toMatchObject({ action: 'user.deleted', actorId: admin.id })
    expect(JSON.stringify(events)).not.toContain(account.email)
    await signUp(service, { email: account.email })
  })

  test('twice at once deletes once', async () => {
    const { id } = await signUp(service)
    const replies = await Promise.all([send(DeleteUser, { id }), send(DeleteUser, { id })])
    expect(replies.flatMap(codes)).toEqual(['NOT_FOUND'])
  })
})

const operations: [string, DocumentNode, Record<string, unknown>][] = [
  ['updateUser', UpdateUser, { input: { displayName: 'Eve', email: 'eve@example.com' } }],
  ['disableUser', DisableUser, {}],
  ['enableUser', EnableUser, {}],
  ['revokeUserSessions', RevokeUserSessions, {}],
  ['deleteUser', DeleteUser, {}],
]

describe.each(operations)('%s', (name, document, variables) => {
  test('is for nobody without a session and for nobody without the permission', async () => {
    const subject = await signUp(service)
    const before = await userOf(subject.id)
    expect(codes(await service.send(document, { id: subject.id, ...variables }))).toEqual(['UNAUTHENTICATED'])
    for (const viewer of [subject, await signUpWith(service, 'support')])
      expect(codes(await send(document, { id: subject.id, ...variables }, viewer))).toEqual(['FORBIDDEN'])
    expect(await userOf(subject.id)).toEqual(before)
    expect(await isSignedIn(subject)).toBe(true)
  })

  test.each(['nobody', '', randomUUID()])('finds no account %j', async id => {
    expect(codes(await send(document, { id, ...variables }))).toEqual(['NOT_FOUND'])
  })

  test('changes no account that holds more permissions than the caller', async () => {
    const [viewer, ...powerful] = [
      await clerk(),
      await signUpWith(service, 'admin'),
      await signUpWith(service, 'support'),
    ]
    for (const subject of powerful) {
      const before = await userOf(subject.id)
      const reply = await send(document, { id: subject.id, ...variables }, viewer)
      expect(reply.errors).toMatchObject([
        {
          message: expect.stringContaining('permissions that yours lacks'),
          extensions: { code: 'FORBIDDEN' },
        },
      ])
      expect(await userOf(subject.id)).toEqual(before)
      expect(await isSignedIn(subject)).toBe(true)
    }
    const denied = { action: 'access.denied', actorId: viewer.id }
    expect(await service.app.db.auditEvent.findMany({ where: denied })).toMatchObject([
      { detail: { field: `Mutation.${name}` } },
    ])
    const equal = await clerk()
    expect(
      codes(
        await send(
          document,
          { id: equal.id, ...variables, ...(name === 'updateUser' && { input: { displayName: 'Eve' } }) },
          viewer,
        ),
      ),
    ).toEqual([])
  })

  test('of somebody demoted meanwhile changes nothing', async () => {
    const [viewer, subject] = [await signUpWith(service, 'admin'), await signUp(service)]
    const before = await userOf(subject.id)
    const [demoted, reply] = await meet(
      service,
      { table: 'users', id: viewer.id },
      () => send(SetUserRoles, { id: viewer.id, roles: ['user'] }),
      () => send(document, { id: subject.id, ...variables }, viewer),
    )
    expect([codes(demoted), codes(reply)]).toEqual([[], ['FORBIDDEN']])
    expect(await userOf(subject.id)).toEqual(before)
    expect(await isSignedIn(subject)).toBe(true)
  })
})

test('setUserRoles takes no roles from an account that holds more permissions', async () => {
  const viewer = await clerk('roles:write')
  const subject = await signUpWith(service, 'admin')
  expect(codes(await send(SetUserRoles, { id: subject.id, roles: ['user'] }, viewer))).toEqual(['FORBIDDEN'])
  expect(await userRoles(subject.id)).toEqual(['admin', 'user'])
})

test('inviteUser is for nobody without a session and for nobody without the permission', async () => {
  const input = { email: newAddress() }
  expect(codes(await service.send(InviteUser, { input }))).toEqual(['UNAUTHENTICATED'])
  for (const viewer of [await signUp(service), await signUpWith(service, 'support')])
    expect(codes(await send(InviteUser, { input }, viewer))).toEqual(['FORBIDDEN'])
  expect(await service.app.db.user.count({ where: { email: input.email } })).toBe(0)
})

test.each([
  ['disableUser', DisableUser],
  ['deleteUser', DeleteUser],
] as const)('%s is not for the own account', async (_, document) => {
  for (const id of [admin.id, admin.id.toUpperCase()])
    expect(codes(await send(document, { id }))).toEqual(['CONFLICT'])
  expect((await userOf(admin.id))?.disabledAt).toBeNull()
})

describe('the last administrator', () => {
  const operationsOnOthers: [string, DocumentNode, Record<string, unknown>][] = [
    ['disable', DisableUser, {}],
    ['delete', DeleteUser, {}],
    ['demote', SetUserRoles, { roles: ['user'] }],
  ]
  const onlyAdmins = (...admins: SignedIn[]) =>
    service.app.db.userRole.deleteMany({
      where: { roleName: 'admin', userId: { notIn: admins.map(({ id }) => id) } },
    })
  const administrators = () =>
    service.app.db.userRole.count({ where: { roleName: 'admin', user: { disabledAt: null } } })

  const pairs = operationsOnOthers.flatMap(one =>
    operationsOnOthers.map(two => [one[0], two[0], one, two] as const),
  )

  test.each(pairs)('remains when the last two %s and %s each other at once', async (_one, _two, one, two) => {
    for (let round = 0; round < 4; round++) {
      const [first, second] = [
        await signUpWith(service, 'admin'),
        await signUpWith(service, 'admin'),
      ] as const
      await onlyAdmins(first, second)
      const replies = await Promise.all([
        send(one[1], { id: second.id, ...one[2] }, first),
        send(two[1], { id: first.id, ...two[2] }, second),
      ])
      // UNAUTHENTICATED or FORBIDDEN where the other's change came first.
      expect(replies.flatMap(codes)).toEqual([
        expect.stringMatching(/^(FORBIDDEN|UNAUTHENTICATED|CONFLICT)$/),
      ])
      expect(await administrators()).toBe(1)
    }
    admin = await signUpWith(service, 'admin')
  })

  test('is not demoted or deleted beside one who was invited and never came', async () => {
    const last = await signUpWith(service, 'admin')
    await onlyAdmins(last)
    const email = newAddress()
    await invite({ email, roles: ['admin'] }, last)
    const demote = () => send(SetUserRoles, { id: last.id, roles: ['user'] }, last)
    expect([codes(await demote()), codes(await send(DeleteAccount, {}, last))]).toEqual([
      ['CONFLICT'],
      ['CONFLICT'],
    ])
    const token = await mailedToken(service, email, 'accept-invitation')
    await service.send(ResetPassword, { input: { token, newPassword: 'eighteen copper kettles' } })
    expect(codes(await demote())).toEqual([])
    admin = await signUpWith(service, 'admin')
  })

  test('is not disabled or deleted beside others who are disabled', async () => {
    const [last, disabled] = [await signUpWith(service, 'admin'), await signUpWith(service, 'admin')]
    const everything = await clerk('roles:write', 'audit:read', 'keys:write')
    await onlyAdmins(last, disabled)
    expect(codes(await send(DisableUser, { id: disabled.id }, last))).toEqual([])
    for (const [, document, variables] of operationsOnOthers)
      expect(codes(await send(document, { id: last.id, ...variables }, everything))).toEqual(['CONFLICT'])
    expect(await isSignedIn(last)).toBe(true)
    admin = await signUpWith(service, 'admin')
  })
})
