import { describe, expect, test } from '@jest/globals'
import { newAddress, PASSWORD, signUp } from '../support/actors.ts'
import { actionsOf } from '../support/audit.ts'
import { mailedToken, templatesTo } from '../support/mails.ts'
import {
  Me,
  Register,
  RequestPasswordReset,
  ResendVerificationEmail,
  VerifyEmail,
} from '../support/operations.ts'
import { refusedFields } from '../support/refused.ts'
import { codes, startService, useService } from '../support/service.ts'

const service = useService()
const verify = (token: string) => service.send(VerifyEmail, { input: { token } })
const resend = (email: string) => service.send(ResendVerificationEmail, { input: { email } })

test('a registration signs in and sends a verification email in the language of the account', async () => {
  const email = newAddress()
  const { data } = await service.send(Register, { input: { email, password: PASSWORD, locale: 'ko' } })
  expect(data?.register).toMatchObject({ __typename: 'AuthPayload', user: { emailVerified: false } })
  const [mail, ...more] = await service.mailsTo(email)
  expect([mail?.subject, more]).toEqual(['[Authograph] 이메일 주소를 인증해 주세요', []])
})

test('the link verifies the address, works once, and shows the account to its owner', async () => {
  const account = await signUp(service)
  const token = await mailedToken(service, account.email, 'verify-email')
  const { data, errors } = await verify(token)
  expect([errors, data?.verifyEmail]).toMatchObject([
    [],
    { id: account.id, email: account.email, emailVerified: true, sessions: [{ id: account.sessionId }] },
  ])
  expect((await service.send(Me, {}, { token: account.accessToken })).data?.me?.emailVerified).toBe(true)
  expect(codes(await verify(token))).toEqual(['TOKEN_INVALID'])
  expect((await actionsOf(service, account.id)).at(-1)).toBe('user.email_verified')
})

test('a link verifies only the address that it was sent to', async () => {
  const { id, email } = await signUp(service)
  const token = await mailedToken(service, email, 'verify-email')
  const emailCanonical = newAddress()
  await service.app.db.user.update({ where: { id }, data: { email: emailCanonical, emailCanonical } })
  expect(codes(await verify(token))).toEqual(['TOKEN_INVALID'])
  const user = await service.app.db.user.findUniqueOrThrow({ where: { id } })
  expect(user.emailVerifiedAt).toBeNull()
})

test.each(['', 'x', '\0'])('an invalid token is TOKEN_INVALID: %j', async token => {
  expect(codes(await verify(token))).toEqual(['TOKEN_INVALID'])
})

test('the link of a password reset does not verify the address', async () => {
  const { email } = await signUp(service)
  await service.send(RequestPasswordReset, { input: { email } })
  expect(codes(await verify(await mailedToken(service, email, 'reset-password')))).toEqual(['TOKEN_INVALID'])
})

describe('another link', () => {
  test('is sent to an unverified address, and ends the previous link', async () => {
    const { email } = await signUp(service)
    const first = await mailedToken(service, email, 'verify-email')
    expect((await resend(` ${email.toUpperCase()}`)).data?.resendVerificationEmail).toBe(true)
    expect(codes(await verify(first))).toEqual(['TOKEN_INVALID'])
    expect(codes(await verify(await mailedToken(service, email, 'verify-email')))).toEqual([])
  })

  test('is not sent if there is nothing to verify, and the answer does not reveal that', async () => {
    const [verified, disabled] = [await signUp(service), await signUp(service)]
    await verify(await mailedToken(service, verified.email, 'verify-email'))
    const data = { disabledAt: service.clock.now() }
    await service.app.db.user.update({ where: { id: disabled.id }, data })
    const unknown = newAddress()
    const { email } = await signUp(service)
    const facts = async (address: string) => {
      const { status, data, errors, headers } = await resend(address)
      return { status, data, errors, length: headers.get('content-length') }
    }
    const toUnverified = await facts(email)
    for (const address of [verified.email, disabled.email, unknown]) {
      const before = await templatesTo(service, address)
      expect(await facts(address)).toEqual(toUnverified)
      expect(await templatesTo(service, address)).toEqual(before)
    }
  })

  test('requires an address', async () => {
    expect(refusedFields(await resend('invalid'))).toHaveProperty(['input.email'])
  })
})

test('with EMAIL_VERIFICATION=off, a verification email is sent only on request', async () => {
  const quiet = await startService({ settings: { EMAIL_VERIFICATION: 'off' } })
  try {
    const { email } = await signUp(quiet)
    expect(await templatesTo(quiet, email)).toEqual([])
    await quiet.send(ResendVerificationEmail, { input: { email } })
    expect(await templatesTo(quiet, email)).toEqual(['verify-email'])
  } finally {
    await quiet.close()
  }
})
