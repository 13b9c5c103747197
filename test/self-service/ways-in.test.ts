import { describe, expect, test } from '@jest/globals'
import { as, newAddress, type SignedIn, signUp, signUpVerified } from '../support/actors.ts'
import { emailedLogin, loginWithEmail } from '../support/email-login.ts'
import { mailedCode } from '../support/factors.ts'
import { mailedToken } from '../support/mails.ts'
import {
  ConfirmEmailChange,
  DeleteAccount,
  ExportAccount,
  Me,
  RemovePasskey,
  RemovePassword,
  RequestEmailChange,
  SendEmailCode,
  StepUp,
} from '../support/operations.ts'
import { havePasskey, passkeyLogin } from '../support/passkeys.ts'
import { meet } from '../support/race.ts'
import { codes, type Service, useService } from '../support/service.ts'

const MANY = '10000/1h'
const limits = { LIMIT_MAIL_NETWORK: MANY, LIMIT_MAIL_ADDRESS: MANY }
const withEmail = useService({ settings: { ...limits, EMAIL_LOGIN: 'on' } })
const withoutEmail = useService({ settings: limits })

/** Signs in with a passkey, which is as strong as any operation requires. */
async function withPasskey(service: Service, account: SignedIn) {
  const authenticator = await havePasskey(service, account.id)
  const { data, errors } = await passkeyLogin(service, authenticator)
  if (data?.loginWithPasskey.__typename !== 'AuthPayload') throw new Error(JSON.stringify(errors))
  const { id } = await service.app.db.passkey.findFirstOrThrow({ where: { userId: account.id } })
  return { ...account, accessToken: data.loginWithPasskey.accessToken, passkeyId: id, authenticator }
}

async function signedInByEmail(service: Service, email: string): Promise<string> {
  const { ticket, code } = await emailedLogin(service, email)
  const { data, errors } = await loginWithEmail(service, { ticket, code })
  if (data?.loginWithEmail.__typename !== 'AuthPayload') throw new Error(JSON.stringify(errors))
  return data.loginWithEmail.accessToken
}

describe('where people sign in by email, a verified address is a way in', () => {
  test('so the password and the last passkey can be removed, and the owner signs in by email', async () => {
    const account = await withPasskey(withEmail, await signUpVerified(withEmail))
    expect(codes(await withEmail.send(RemovePassword, {}, as(account)))).toEqual([])
    expect(codes(await withEmail.send(RemovePasskey, { id: account.passkeyId }, as(account)))).toEqual([])
    const token = await signedInByEmail(withEmail, account.email)
    expect((await withEmail.send(Me, {}, { token })).data?.me?.id).toBe(account.id)
  })

  test('but not an address that no one has verified, because the first email removes what signs in', async () => {
    const account = await signUp(withEmail)
    expect(codes(await withEmail.send(RemovePassword, {}, as(account)))).toEqual(['CONFLICT'])
  })

  test('and elsewhere it is none', async () => {
    const account = await signUpVerified(withoutEmail)
    expect(codes(await withoutEmail.send(RemovePassword, {}, as(account)))).toEqual(['CONFLICT'])
  })
})

test('of two removals that meet in the database, the one that would leave no way in is a CONFLICT', async () => {
  const service = withoutEmail
  const account = await withPasskey(service, await signUpVerified(service))
  const removePassword = () => service.send(RemovePassword, {}, as(account))
  const removePasskey = () => service.send(RemovePasskey, { id: account.passkeyId }, as(account))
  const met = await meet(service, { table: 'users', id: account.id }, removePassword, removePasskey)
  expect(met.map(codes)).toEqual([[], ['CONFLICT']])
  expect(codes(await passkeyLogin(service, account.authenticator))).toEqual([])
})

describe('people without a password do the same as everyone else', () => {
  /** One account signs in with a passkey, the other by email. */
  const accounts = {
    'a passkey': async () => {
      const account = await withPasskey(withEmail, await signUpVerified(withEmail))
      expect(codes(await withEmail.send(RemovePassword, {}, as(account)))).toEqual([])
      return { email: account.email, token: account.accessToken }
    },
    'an email': async () => {
      const email = newAddress()
      return { email, token: await signedInByEmail(withEmail, email) }
    },
  }

  test.each(Object.entries(accounts))(
    'change the address, after a sign-in with %s',
    async (_how, signUpSo) => {
      const { email, token } = await signUpSo()
      const newEmail = newAddress()
      const asked = await withEmail.send(RequestEmailChange, { input: { newEmail } }, { token })
      expect(asked.errors).toEqual([])
      const link = await mailedToken(withEmail, newEmail, 'confirm-email')
      const { data } = await withEmail.send(ConfirmEmailChange, { input: { token: link } })
      expect(data?.confirmEmailChange).toMatchObject({ email: newEmail, emailVerified: true })
      expect(await mailedToken(withEmail, email, 'undo-email')).toBeTruthy()
      expect(await signedInByEmail(withEmail, newEmail)).toBeTruthy()
    },
  )

  test.each(Object.entries(accounts))(
    'export and delete, after a sign-in with %s',
    async (_how, signUpSo) => {
      const { email, token } = await signUpSo()
      const { data, errors } = await withEmail.send(ExportAccount, {}, { token })
      expect(errors).toEqual([])
      expect(data?.exportAccount).toContain(email)
      expect(codes(await withEmail.send(DeleteAccount, {}, { token }))).toEqual([])
      expect(await withEmail.app.db.user.count({ where: { email } })).toBe(0)
    },
  )

  test('confirm a session that was left open with an emailed code', async () => {
    const { email, token } = await accounts['an email']()
    withEmail.clock.advance(601)
    const request = (accessToken: string) =>
      withEmail.send(RequestEmailChange, { input: { newEmail: newAddress() } }, { token: accessToken })
    expect((await request(token)).errors[0]?.extensions).toMatchObject({
      code: 'STEP_UP_REQUIRED',
      accepts: [['EMAIL']],
    })
    await withEmail.send(SendEmailCode, {}, { token })
    const proofs = [{ emailCode: await mailedCode(withEmail, email) }]
    const { data } = await withEmail.send(StepUp, { input: { proofs } }, { token })
    expect(codes(await request(data?.stepUp.accessToken ?? ''))).toEqual([])
  })
})
