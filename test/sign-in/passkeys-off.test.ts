import { expect, test } from '@jest/globals'
import { as, PASSWORD, signIn, signUpVerified } from '../support/actors.ts'
import { AuthenticatorApp, firstStep, haveRecoveryCodes, haveTotp, mailedCode } from '../support/factors.ts'
import {
  BeginTotp,
  ConfirmTotp,
  Reauthenticate,
  Refresh,
  RemoveTotp,
  RequestEmailChange,
  SendEmailCode,
} from '../support/operations.ts'
import { codes, useService } from '../support/service.ts'
import { addSomePasskey } from '../support/some-factors.ts'

/** Passkeys were on before, so accounts have some that no one can use now. */
const service = useService({ settings: { PASSKEYS: 'off', LIMIT_MAIL_NETWORK: '1000/1h' } })

/** An account with a passkey, whose owner may require a second factor at every sign-in. */
async function withPasskey({ secondFactorRequired = false } = {}) {
  const account = await signUpVerified(service)
  await addSomePasskey(service, account.id)
  await service.app.db.user.update({ where: { id: account.id }, data: { secondFactorRequired } })
  return account
}

const sensitive = (accessToken: string) =>
  service.send(
    RequestEmailChange,
    { input: { newEmail: `new.${Math.random()}@example.com` } },
    { token: accessToken },
  )

test('a password is all that a sensitive operation requires, and the first usable factor an emailed code too', async () => {
  const account = await withPasskey()
  const { accessToken, refreshToken } = await signIn(service, account.email)
  expect(codes(await sensitive(accessToken))).toEqual([])
  service.clock.advance(601)
  const { data } = await service.send(Refresh, { input: { refreshToken } })
  const token = data?.refreshToken.accessToken ?? ''
  expect(codes(await sensitive(token))).toEqual(['REAUTHENTICATION_REQUIRED'])
  await service.send(Reauthenticate, { input: { password: PASSWORD } }, { token })
  expect(codes(await sensitive(token))).toEqual([])
  const reply = await service.send(BeginTotp, {}, { token })
  expect(reply.errors[0]?.extensions).toMatchObject({ code: 'STEP_UP_REQUIRED', accepts: [['EMAIL']] })
})

test('someone whose passkey was the only second factor adds another one, with an emailed code', async () => {
  const account = await withPasskey({ secondFactorRequired: true })
  const { data } = await firstStep(service, account.email)
  const login = data?.login
  if (login?.__typename !== 'SecondFactorSetupRequired') throw new Error(JSON.stringify(data))
  expect(login.methods).toEqual(['TOTP'])
  const { ticket } = login
  expect(codes(await service.send(BeginTotp, { input: { ticket } }))).toEqual(['STEP_UP_REQUIRED'])
  await service.send(SendEmailCode, { input: { ticket } })
  const emailCode = await mailedCode(service, account.email)
  const begun = await service.send(BeginTotp, { input: { ticket, emailCode } })
  const setup = begun.data?.beginTotp
  const app = new AuthenticatorApp(service, setup?.secret ?? '')
  const input = { ticket: setup?.ticket ?? '', code: app.code() }
  const added = await service.send(ConfirmTotp, { input })
  expect(added.errors).toEqual([])
  expect(added.data?.confirmTotp.auth.session.strength).toBe('MULTI')
})

test('a sign-in and a step-up list only the methods that can be used', async () => {
  const account = await withPasskey({ secondFactorRequired: true })
  await haveRecoveryCodes(service, account.id)
  const first = await firstStep(service, account.email)
  expect(first.data?.login).toMatchObject({
    __typename: 'SecondFactorRequired',
    methods: ['RECOVERY_CODE'],
    passkeyOptions: null,
  })
  await haveTotp(service, account.id)
  const second = await firstStep(service, account.email)
  expect(second.data?.login).toMatchObject({ methods: ['TOTP', 'RECOVERY_CODE'], passkeyOptions: null })
  const { errors } = await sensitive(account.accessToken)
  expect(errors[0]?.extensions).toMatchObject({
    code: 'STEP_UP_REQUIRED',
    accepts: [
      ['PASSWORD', 'TOTP'],
      ['PASSWORD', 'RECOVERY_CODE'],
    ],
  })
})

test('a passkey that can’t be used does not stand in for the last factor that the account requires', async () => {
  const account = await withPasskey({ secondFactorRequired: true })
  await haveTotp(service, account.id)
  const data = { totpAt: service.clock.now(), passwordAt: service.clock.now() }
  await service.app.db.session.update({ where: { id: account.sessionId }, data })
  expect(codes(await service.send(RemoveTotp, {}, as(account)))).toEqual(['CONFLICT'])
})
