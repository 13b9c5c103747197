import { describe, expect, test } from '@jest/globals'
import { newAddress, PASSWORD, register, signUp, signUpWith } from '../support/actors.ts'
import { mailedToken } from '../support/mails.ts'
import {
  InviteUser,
  Link,
  RequestEmailChange,
  RequestPasswordReset,
  ResetPassword,
  VerifyEmail,
} from '../support/operations.ts'
import { codes, useService } from '../support/service.ts'

const service = useService()
const linkOf = (token: string) => service.send(Link, { token })
const HALF_AN_HOUR_SECONDS = 1800

async function resetToken({ email }: { email: string }): Promise<string> {
  await service.send(RequestPasswordReset, { input: { email } })
  return mailedToken(service, email, 'reset-password')
}

test('a link to reset a password names its account, and stays valid', async () => {
  const account = await signUp(service)
  const token = await resetToken(account)
  for (let time = 0; time < 2; time++) {
    expect((await linkOf(token)).data?.emailLink).toEqual({
      purpose: 'RESET_PASSWORD',
      email: account.email,
      displayName: null,
      username: null,
      invitedBy: null,
      confirmed: false,
    })
  }
  const reply = await service.send(ResetPassword, {
    input: { token, newPassword: 'eighteen copper kettles' },
  })
  expect(codes(reply)).toEqual([])
})

test('an invitation names the person who sent it', async () => {
  const admin = await signUpWith(service, 'admin')
  const email = newAddress()
  await service.app.db.user.update({ where: { id: admin.id }, data: { displayName: 'Ada Lovelace' } })
  await service.send(InviteUser, { input: { email, displayName: 'Grace' } }, { token: admin.accessToken })
  const token = await mailedToken(service, email, 'accept-invitation')
  expect((await linkOf(token)).data?.emailLink).toEqual({
    purpose: 'INVITATION',
    email,
    displayName: 'Grace',
    username: null,
    invitedBy: 'Ada Lovelace',
    confirmed: false,
  })
})

test('an invitation by an administrator without a name, or whose account is gone, names no one', async () => {
  const admin = await signUpWith(service, 'admin')
  const email = newAddress()
  await service.send(InviteUser, { input: { email } }, { token: admin.accessToken })
  const token = await mailedToken(service, email, 'accept-invitation')
  expect((await linkOf(token)).data?.emailLink.invitedBy).toBeNull()
  await service.app.db.user.delete({ where: { id: admin.id } })
  expect((await linkOf(token)).data?.emailLink.invitedBy).toBeNull()
})

test('a link to verify an address says after its use that the address is verified', async () => {
  const account = await signUp(service)
  const token = await mailedToken(service, account.email, 'verify-email')
  const link = { purpose: 'VERIFY_EMAIL', email: account.email }
  expect((await linkOf(token)).data?.emailLink).toMatchObject({ ...link, confirmed: false })
  await service.send(VerifyEmail, { input: { token } })
  expect((await linkOf(token)).data?.emailLink).toMatchObject({ ...link, confirmed: true })
  expect(codes(await service.send(VerifyEmail, { input: { token } }))).toEqual(['TOKEN_INVALID'])
})

test('the links of a change of address name the address they were sent to', async () => {
  const account = await signUp(service)
  await service.send(VerifyEmail, {
    input: { token: await mailedToken(service, account.email, 'verify-email') },
  })
  const newEmail = newAddress()
  await service.send(RequestEmailChange, { input: { newEmail } }, { token: account.accessToken })
  const confirm = await mailedToken(service, newEmail, 'confirm-email')
  const undo = await mailedToken(service, account.email, 'undo-email')
  expect((await linkOf(confirm)).data?.emailLink).toMatchObject({
    purpose: 'CONFIRM_EMAIL_CHANGE',
    email: newEmail,
  })
  expect((await linkOf(undo)).data?.emailLink).toMatchObject({
    purpose: 'UNDO_EMAIL_CHANGE',
    email: account.email,
  })
})

describe('a link says nothing', () => {
  test.each(['', 'x', '\0'])('if its token is not one: %j', async token => {
    expect(codes(await linkOf(token))).toEqual(['TOKEN_INVALID'])
  })

  test('once it was used', async () => {
    const token = await resetToken(await signUp(service))
    await service.send(ResetPassword, { input: { token, newPassword: 'eighteen copper kettles' } })
    expect(codes(await linkOf(token))).toEqual(['TOKEN_INVALID'])
  })

  test('once it has expired', async () => {
    const token = await resetToken(await signUp(service))
    service.clock.advance(HALF_AN_HOUR_SECONDS + 1)
    expect(codes(await linkOf(token))).toEqual(['TOKEN_INVALID'])
  })

  test('once the account has another address or is gone', async () => {
    const moved = await signUp(service)
    const token = await resetToken(moved)
    const email = newAddress()
    await service.app.db.user.update({ where: { id: moved.id }, data: { email, emailCanonical: email } })
    expect(codes(await linkOf(token))).toEqual(['TOKEN_INVALID'])
    const gone = await signUp(service)
    const other = await resetToken(gone)
    await service.app.db.user.delete({ where: { id: gone.id } })
    expect(codes(await linkOf(other))).toEqual(['TOKEN_INVALID'])
  })

  test('while the account is disabled', async () => {
    const account = await signUp(service)
    const token = await resetToken(account)
    await service.app.db.user.update({ where: { id: account.id }, data: { disabledAt: new Date() } })
    expect(codes(await linkOf(token))).toEqual(['ACCOUNT_DISABLED'])
  })
})

describe('where addresses must be verified first', () => {
  const strict = useService({ settings: { EMAIL_VERIFICATION: 'required' } })

  test('the link names the registration that waits, and then the account, without its password', async () => {
    const email = newAddress()
    await register(strict, { email, password: PASSWORD, displayName: 'Ada' })
    const token = await mailedToken(strict, email, 'verify-email')
    const link = async () => (await strict.send(Link, { token })).data?.emailLink
    expect(await link()).toMatchObject({ email, displayName: 'Ada', confirmed: false })
    await strict.send(VerifyEmail, { input: { token } })
    expect(await link()).toMatchObject({ email, displayName: 'Ada', confirmed: true })
    const { id } = await strict.app.db.user.findUniqueOrThrow({ where: { emailCanonical: email } })
    const kept = await strict.app.db.emailToken.findMany({ where: { subject: id } })
    expect(kept).toMatchObject([{ userId: id, payload: {} }])
  })
})

describe('guesses', () => {
  const limited = useService({ settings: { LIMIT_TOKEN_NETWORK: '3/1h' } })

  test('are limited for each network, while valid links still open', async () => {
    const { email } = await signUp(limited)
    await limited.send(RequestPasswordReset, { input: { email } })
    const token = await mailedToken(limited, email, 'reset-password')
    const replies: string[] = []
    for (let guess = 0; guess < 5; guess++) {
      replies.push(...codes(await limited.send(Link, { token: `guess ${guess}` })))
    }
    expect(replies.slice(0, 3)).toEqual(['TOKEN_INVALID', 'TOKEN_INVALID', 'TOKEN_INVALID'])
    expect(replies.at(-1)).toBe('RATE_LIMITED')
    expect(codes(await limited.send(Link, { token }))).toEqual([])
  })
})
