import { beforeEach, expect, test } from '@jest/globals'
import type { DocumentNode } from 'graphql'
import {
  as,
  login,
  newAddress,
  newRole,
  newUsername,
  PASSWORD,
  type SignedIn,
  signIn,
  signUp,
  signUpAdmin,
  signUpWith,
} from '../../support/actors.ts'
import { auditOf } from '../../support/audit.ts'
import { mailedToken, templatesTo } from '../../support/mails.ts'
import { DisableUser, InviteUser, Me, ResetPassword } from '../../support/operations.ts'
import { havePasskey } from '../../support/passkeys.ts'
import { refusedFields } from '../../support/refused.ts'
import { codes, useService } from '../../support/service.ts'
import { DAY, MINUTE } from '../../support/sessions.ts'

const service = useService()
const withoutMail = useService({ settings: { MAIL: 'off' } })

let admin: SignedIn
beforeEach(async () => {
  admin = await signUpAdmin(service)
})

const send = (document: DocumentNode, variables: Record<string, unknown>, viewer = admin) =>
  service.send(document, variables, as(viewer))
const userOf = (id: string) => service.app.db.user.findUnique({ where: { id } })
const accept = (token: string) => service.send(ResetPassword, { input: { token, newPassword: PASSWORD } })

async function invite(input: Record<string, unknown>, viewer = admin): Promise<string> {
  const { data, errors } = await service.send(
    InviteUser,
    { input: { email: newAddress(), ...input } },
    as(viewer),
  )
  expect(errors).toEqual([])
  return data?.inviteUser.id ?? ''
}

async function rolesOf(userId: string): Promise<string[]> {
  const rows = await service.app.db.userRole.findMany({ where: { userId }, orderBy: { roleName: 'asc' } })
  return rows.map(row => row.roleName)
}

test('an invitation creates an account whose owner sets the password with the emailed link, which verifies the address', async () => {
  const email = newAddress()
  const input = { email, username: newUsername(), displayName: 'Grace', locale: 'ko' }
  const { data, errors } = await service.send(InviteUser, { input }, as(admin))
  expect(errors).toEqual([])
  expect(data?.inviteUser).toEqual({
    ...input,
    id: expect.any(String),
    emailVerified: false,
    roles: ['user'],
    passwordChangedAt: null,
  })
  expect(codes(await login(service, { identifier: email }))).toEqual(['INVALID_CREDENTIALS'])
  expect((await service.mailsTo(email))[0]?.subject).toContain('초대')
  const token = await mailedToken(service, email, 'accept-invitation')
  expect(codes(await accept(token))).toEqual([])
  const account = await signIn(service, email)
  expect((await service.send(Me, {}, as(account))).data?.me).toMatchObject({
    id: data?.inviteUser.id,
    emailVerified: true,
  })
})

test('an invitation is valid for almost seven days, and only once', async () => {
  const email = newAddress()
  await invite({ email })
  const token = await mailedToken(service, email, 'accept-invitation')
  service.clock.advance(7 * DAY - MINUTE)
  expect(codes(await accept(token))).toEqual([])
  expect(codes(await accept(token))).toEqual(['TOKEN_INVALID'])
})

test('an invitation is invalid after seven days', async () => {
  const email = newAddress()
  await invite({ email })
  const token = await mailedToken(service, email, 'accept-invitation')
  service.clock.advance(7 * DAY + 1)
  expect(codes(await accept(token))).toEqual(['TOKEN_INVALID'])
})

test('a second invitation sends a new link, invalidates the old one and leaves the account unchanged', async () => {
  const email = newAddress()
  const id = await invite({ email, displayName: 'Grace' })
  const older = await mailedToken(service, email, 'accept-invitation')
  expect(
    await invite({ email: email.toUpperCase(), displayName: 'Hopper', roles: ['user', 'support'] }),
  ).toBe(id)
  expect(await userOf(id)).toMatchObject({ displayName: 'Grace', email })
  expect(await templatesTo(service, email)).toEqual(['invitation', 'invitation'])
  const newer = await mailedToken(service, email, 'accept-invitation')
  expect(codes(await accept(older))).toEqual(['TOKEN_INVALID'])
  expect(codes(await accept(newer))).toEqual([])
  expect(codes(await send(InviteUser, { input: { email } }))).toEqual(['EMAIL_TAKEN'])
  expect((await auditOf(service, id)).slice(0, 2)).toMatchObject([
    { action: 'user.invited', actorId: admin.id, detail: { roles: ['user'] } },
    { action: 'user.invited', actorId: admin.id, detail: { again: true } },
  ])
})

test('simultaneous invitations of one address create one account, and only the last link is valid', async () => {
  const email = newAddress()
  const [userId = '', ...others] = await Promise.all(Array.from({ length: 5 }, () => invite({ email })))
  expect(others).toEqual(Array(4).fill(userId))
  expect(await service.app.db.emailToken.count({ where: { userId, purpose: 'invitation' } })).toBe(1)
})

test('inviting a taken address or username fails and sends no email', async () => {
  const taken = await signUp(service, { username: newUsername() })
  const { username } = (await userOf(taken.id)) ?? {}
  const email = newAddress()
  expect(codes(await send(InviteUser, { input: { email: taken.email } }))).toEqual(['EMAIL_TAKEN'])
  expect(codes(await send(InviteUser, { input: { email, username } }))).toEqual(['USERNAME_TAKEN'])
  expect(await templatesTo(service, email)).toEqual([])
  expect(await service.app.db.user.count({ where: { email } })).toBe(0)
})

test('inviting someone who has no password but has come before fails and sends no email', async () => {
  const [signedIn, withPasskey] = [await signUp(service), await signUp(service)]
  const neverHere = { passwordHash: null, passwordChangedAt: null, lastLoginAt: null }
  await havePasskey(service, withPasskey.id)
  await service.app.db.user.update({ where: { id: withPasskey.id }, data: neverHere })
  await service.app.db.user.update({
    where: { id: signedIn.id },
    data: { ...neverHere, lastLoginAt: service.clock.now() },
  })
  for (const { email } of [signedIn, withPasskey]) {
    expect(codes(await send(InviteUser, { input: { email } }))).toEqual(['EMAIL_TAKEN'])
    expect(await templatesTo(service, email)).not.toContain('invitation')
  }
})

test('inviting a disabled account without a password fails and sends no email', async () => {
  const email = newAddress()
  const id = await invite({ email })
  await send(DisableUser, { id })
  expect(codes(await send(InviteUser, { input: { email } }))).toEqual(['EMAIL_TAKEN'])
  expect(await templatesTo(service, email)).toEqual(['invitation'])
})

test.each([
  [{ email: 'no address' }, 'input.email'],
  [{ username: 'a b' }, 'input.username'],
  [{ displayName: 'two\nlines' }, 'input.displayName'],
  [{ locale: 'x_y' }, 'input.locale'],
  [{ roles: ['user', 'root'] }, 'input.roles'],
  [{ roles: ['\0'] }, 'input.roles'],
])('inviteUser rejects the input %j', async (wrong, field) => {
  const input = { email: newAddress(), ...wrong }
  expect(Object.keys(refusedFields(await send(InviteUser, { input })))).toEqual([field])
  expect(await service.app.db.user.count({ where: { email: input.email } })).toBe(0)
})

test('inviters can assign only roles whose permissions they hold, and only with roles:write', async () => {
  const roles = ['support']
  expect(await rolesOf(await invite({ roles }))).toEqual(['support'])
  const [writer, giver] = [
    await signUpWith(service, await newRole(service, 'users:read', 'users:write')),
    await signUpWith(
      service,
      await newRole(service, 'users:read', 'users:write', 'roles:write', 'audit:read'),
    ),
  ]
  const by = (viewer: SignedIn, names: string[]) =>
    send(InviteUser, { input: { email: newAddress(), roles: names } }, viewer)
  expect(codes(await by(writer, roles))).toEqual(['FORBIDDEN'])
  expect(codes(await by(writer, ['user']))).toEqual(['FORBIDDEN'])
  expect(await rolesOf(await invite({}, writer))).toEqual(['user'])
  expect(codes(await by(giver, roles))).toEqual([])
  expect(codes(await by(giver, ['admin']))).toEqual(['FORBIDDEN'])
})

test('inviteUser fails with CONFLICT if the server sends no email', async () => {
  const reply = await withoutMail.send(
    InviteUser,
    { input: { email: newAddress() } },
    as(await signUpAdmin(withoutMail)),
  )
  expect(codes(reply)).toEqual(['CONFLICT'])
  expect(reply.errors[0]?.message).toContain('doesn’t send email')
})

test('inviteUser requires a session and the permission users:write', async () => {
  const input = { email: newAddress() }
  expect(codes(await service.send(InviteUser, { input }))).toEqual(['UNAUTHENTICATED'])
  for (const viewer of [await signUp(service), await signUpWith(service, 'support')])
    expect(codes(await send(InviteUser, { input }, viewer))).toEqual(['FORBIDDEN'])
  expect(await service.app.db.user.count({ where: { email: input.email } })).toBe(0)
})
