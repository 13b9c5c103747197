import { describe, expect, test } from '@jest/globals'
import type { PublicKeyCredentialCreationOptionsJSON } from '@simplewebauthn/server'
import { PASSWORD, signUpVerified } from '../../support/actors.ts'
import { haveTotp } from '../../support/factors.ts'
import { Refresh, Suggestion } from '../../support/operations.ts'
import {
  answerAdding,
  beginAdding,
  begun,
  havePasskey,
  newAuthenticator,
  passkeyLogin,
} from '../../support/passkeys.ts'
import { codes, useService } from '../../support/service.ts'
import { DAY, MINUTE } from '../../support/sessions.ts'

const service = useService()

async function login(email: string, deviceToken?: string) {
  const input = { identifier: email, password: PASSWORD, ...(deviceToken !== undefined && { deviceToken }) }
  const { data } = await service.send(Suggestion, { input })
  if (data?.login.__typename !== 'AuthPayload') throw new Error(JSON.stringify(data))
  return { ...data.login, deviceToken: data.login.deviceToken ?? '' }
}

/** An account whose device has been known for a day, signed in from it just now. */
async function onKnownDevice() {
  const account = await signUpVerified(service)
  const { deviceToken } = await login(account.email)
  service.clock.advance(DAY + MINUTE)
  return { ...account, ...(await login(account.email, deviceToken)) }
}

const automatic = (deviceToken: string) => ({ automatic: true, deviceToken })

describe('after a password sign-in, a passkey is suggested', () => {
  test('to be added automatically on a device that the account has known for a day', async () => {
    expect((await onKnownDevice()).passkeySuggestion).toBe('AUTOMATIC')
  })

  test('as a question on a new device', async () => {
    const { email } = await signUpVerified(service)
    expect((await login(email)).passkeySuggestion).toBe('ASK')
  })

  test('to no one who has a factor, or signed in with a passkey', async () => {
    const { id, email, deviceToken } = await onKnownDevice()
    const authenticator = await havePasskey(service, id)
    expect((await login(email, deviceToken)).passkeySuggestion).toBe('NONE')
    const query = `mutation ($input: LoginWithPasskeyInput!) {
      loginWithPasskey(input: $input) { ... on AuthPayload { passkeySuggestion } } }`
    const begunLogin = await service.send<{ beginPasskeyLogin: { ticket: string; options: never } }, object>(
      'mutation { beginPasskeyLogin { ticket options } }',
    )
    const { ticket, options } = begunLogin.data!.beginPasskeyLogin
    const input = { passkey: { ticket, credential: authenticator.get(options) } }
    const { data } = await service.send<{ loginWithPasskey: { passkeySuggestion: string } }, object>(query, {
      input,
    })
    expect(data?.loginWithPasskey.passkeySuggestion).toBe('NONE')
  })
})

describe('a passkey that the browser adds by itself', () => {
  test('needs no touch and no emailed code, proves nothing, and signs in from then on', async () => {
    const account = await onKnownDevice()
    const { data, errors } = await beginAdding(service, account, automatic(account.deviceToken))
    const { ticket, options } = begun<PublicKeyCredentialCreationOptionsJSON>(data?.beginPasskey, errors)
    expect(options.authenticatorSelection?.userVerification).toBe('preferred')
    const authenticator = newAuthenticator(service)
    const untouched = { userPresent: false, userVerified: false }
    const reply = await answerAdding(service, account, ticket, authenticator.create(options, untouched))
    expect(reply.errors).toEqual([])
    expect(reply.data?.addPasskey).toMatchObject({
      auth: { session: { strength: 'SINGLE', methods: ['PASSWORD'] } },
      recoveryCodes: null,
    })
    expect(codes(await passkeyLogin(service, authenticator))).toEqual([])
  })

  test('is refused on a new device, without a device, and five minutes after the password', async () => {
    const { email } = await signUpVerified(service)
    const stranger = await login(email)
    expect(codes(await beginAdding(service, stranger, automatic(stranger.deviceToken)))).toEqual(['CONFLICT'])
    const account = await onKnownDevice()
    expect(codes(await beginAdding(service, account, automatic('forged')))).toEqual(['CONFLICT'])
    service.clock.advance(5 * MINUTE + 1)
    expect(codes(await beginAdding(service, account, automatic(account.deviceToken)))).toEqual(['CONFLICT'])
  })

  test('is refused to an account with a second factor, and never a security key', async () => {
    const account = await onKnownDevice()
    const key = { ...automatic(account.deviceToken), securityKey: true }
    expect(codes(await beginAdding(service, account, key))).toEqual(['BAD_USER_INPUT'])
    await haveTotp(service, account.id)
    expect(codes(await beginAdding(service, account, automatic(account.deviceToken)))).toEqual(['CONFLICT'])
  })
})

test('the response to refreshToken suggests nothing', async () => {
  const account = await signUpVerified(service)
  const query = `mutation ($token: String!) { refreshToken(input: { refreshToken: $token }) { passkeySuggestion } }`
  const { data } = await service.send<{ refreshToken: { passkeySuggestion: string } }, object>(query, {
    token: account.refreshToken,
  })
  expect(data?.refreshToken.passkeySuggestion).toBe('NONE')
  expect(codes(await service.send(Refresh, { input: { refreshToken: 'x' } }))).toEqual([
    'REFRESH_TOKEN_INVALID',
  ])
})
