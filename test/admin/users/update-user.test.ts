import { describe, expect, test } from '@jest/globals'
import {
  as,
  newAddress,
  newUsername,
  PASSWORD,
  type SignedIn,
  signIn,
  signUp,
  signUpVerified,
} from '../../support/actors.ts'
import { useAdmin } from '../../support/admin.ts'
import { auditOf } from '../../support/audit.ts'
import { mailedToken, templatesTo } from '../../support/mails.ts'
import {
  ConfirmEmailChange,
  InviteUser,
  RequestEmailChange,
  RequestPasswordReset,
  ResetPassword,
  UpdateUser,
  VerifyEmail,
} from '../../support/operations.ts'
import { havePasskey } from '../../support/passkeys.ts'
import { refusedFields } from '../../support/refused.ts'
import { codes, useService } from '../../support/service.ts'
import { stateOf } from '../../support/sessions.ts'

const service = useService()
const { admin, send, userOf } = useAdmin(service)

test('updateUser changes the given fields, and the audit log shows them before and after', async () => {
  const { id, email } = await signUp(service)
  const username = newUsername()
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

test('a new address is unverified and receives a link; earlier links become invalid, and the old address is notified', async () => {
  const account = await signUp(service)
  await service.send(VerifyEmail, {
    input: { token: await mailedToken(service, account.email, 'verify-email') },
  })
  await service.send(RequestPasswordReset, { input: { email: account.email } })
  const reset = await mailedToken(service, account.email, 'reset-password')
  const email = newAddress()
  const { data } = await service.send(UpdateUser, { id: account.id, input: { email } }, as(admin))
  expect(data?.updateUser).toMatchObject({ email, emailVerified: false })
  expect(await stateOf(service, account.accessToken)).toBe('LIVE')
  expect(
    codes(await service.send(ResetPassword, { input: { token: reset, newPassword: 'a new pass of words' } })),
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

test('an address that its former owner can still restore is available only to their account', async () => {
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

test('another spelling of the same address is not a new address', async () => {
  const account = await signUp(service)
  const email = account.email.toUpperCase()
  const before = await userOf(account.id)
  const templates = await templatesTo(service, account.email)
  await send(UpdateUser, { id: account.id, input: { email } })
  expect(await userOf(account.id)).toMatchObject({ email, emailCanonical: before?.emailCanonical })
  expect(await templatesTo(service, account.email)).toEqual(templates)
  expect(await templatesTo(service, email)).toEqual([])
})

test('correcting the address of an invited account sends the invitation to the new address', async () => {
  const [wrong, right] = [newAddress(), newAddress()]
  const { data } = await service.send(InviteUser, { input: { email: wrong } }, as(admin))
  const id = data?.inviteUser.id ?? ''
  const lost = await mailedToken(service, wrong, 'accept-invitation')
  await send(UpdateUser, { id, input: { email: right } })
  expect(await templatesTo(service, right)).toEqual(['invitation'])
  const accept = (token: string) => service.send(ResetPassword, { input: { token, newPassword: PASSWORD } })
  expect(codes(await accept(lost))).toEqual(['TOKEN_INVALID'])
  expect(codes(await accept(await mailedToken(service, right, 'accept-invitation')))).toEqual([])
})

test('the new address of someone who signs in without a password receives a link to verify it, and no invitation', async () => {
  const account = await signUp(service)
  await havePasskey(service, account.id)
  const data = { passwordHash: null, passwordChangedAt: null }
  await service.app.db.user.update({ where: { id: account.id }, data })
  const email = newAddress()
  await send(UpdateUser, { id: account.id, input: { email } })
  expect(await templatesTo(service, email)).toEqual(['verify-email'])
})

test('taken addresses and usernames are rejected, and of two simultaneous changes to one address, one succeeds', async () => {
  const username = newUsername()
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
  [{ email: 'no address' }, 'input.email'],
  [{ username: 'x' }, 'input.username'],
  [{ displayName: 'x'.repeat(101) }, 'input.displayName'],
  [{ locale: '' }, 'input.locale'],
  [{ publicMetadata: { long: 'x'.repeat(8200) } }, 'input.publicMetadata'],
  [
    { privateMetadata: { a: { b: { c: { d: { e: { f: { g: { h: { i: 1 } } } } } } } } } },
    'input.privateMetadata',
  ],
])('updateUser rejects the input %j', async (input, field) => {
  const { id } = await signUp(service)
  const before = await userOf(id)
  expect(Object.keys(refusedFields(await send(UpdateUser, { id, input })))).toEqual([field])
  expect(await userOf(id)).toEqual(before)
})

test('updateUser does not change the email address of the caller, but other fields', async () => {
  const reply = await send(UpdateUser, { id: admin.id, input: { email: newAddress() } })
  expect(codes(reply)).toEqual(['CONFLICT'])
  expect(reply.errors[0]?.message).toContain('requestEmailChange')
  expect(codes(await send(UpdateUser, { id: admin.id, input: { displayName: 'Admin' } }))).toEqual([])
})

describe('marking an address as verified', () => {
  const mark = (id: string, input: object, viewer = admin) => send(UpdateUser, { id, input }, viewer)

  test('does what the link would do, and is recorded', async () => {
    const { id } = await signUp(service)
    const { data } = await service.send(UpdateUser, { id, input: { emailVerified: true } }, as(admin))
    expect(data?.updateUser.emailVerified).toBe(true)
    const { emailVerifiedAt } = (await userOf(id)) ?? {}
    expect((await auditOf(service, id)).at(-1)).toMatchObject({
      action: 'user.updated',
      actorId: admin.id,
      detail: {
        before: { emailVerifiedAt: null },
        after: { emailVerifiedAt: emailVerifiedAt?.toISOString() },
      },
    })
  })

  test('keeps the time of an address that is already verified, and can be taken back', async () => {
    const { id } = await signUpVerified(service)
    const before = await userOf(id)
    service.clock.advance(60)
    await mark(id, { emailVerified: true })
    expect((await userOf(id))?.emailVerifiedAt).toEqual(before?.emailVerifiedAt)
    await mark(id, { emailVerified: false })
    expect((await userOf(id))?.emailVerifiedAt).toBeNull()
  })

  test('applies to a new address in the same change, which then receives no link', async () => {
    const account = await signUpVerified(service)
    const email = newAddress()
    await mark(account.id, { email, emailVerified: true })
    expect(await userOf(account.id)).toMatchObject({ email, emailVerifiedAt: expect.any(Date) })
    expect(await templatesTo(service, email)).toEqual([])
    expect((await templatesTo(service, account.email)).at(-1)).toBe('email-replaced')
  })

  test('is refused for the caller’s own address', async () => {
    expect(codes(await mark(admin.id, { emailVerified: true }))).toEqual(['CONFLICT'])
    expect((await userOf(admin.id))?.emailVerifiedAt).toBeNull()
  })
})
