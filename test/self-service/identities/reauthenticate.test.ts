import { describe, expect, test } from '@jest/globals'
import { haveTotp } from '../../support/factors.ts'
import {
  Refresh,
  RequestEmailChange,
  StartProviderReauthentication,
  StepUp,
} from '../../support/operations.ts'
import { completeConfirm, confirmCode, linkCode, startAs } from '../../support/provider-link.ts'
import { complete, signedInWith, someone, useProviders } from '../../support/provider-sign-in.ts'
import { codes } from '../../support/service.ts'
import { refreshed } from '../../support/sessions.ts'

const { service, fake } = useProviders()

/** Someone who signs in with a provider only, in a session that was left open. */
async function leftOpen() {
  const person = someone()
  const { user, refreshToken } = await signedInWith(service, fake, person)
  service.clock.advance(601)
  return { id: user.id, person, ...(await refreshed(service, refreshToken ?? '')) }
}

const sensitive = ({ accessToken: token }: { accessToken: string }) =>
  service.send(RequestEmailChange, { input: { newEmail: `new.${Math.random()}@example.com` } }, { token })

describe('confirming a session with a provider', () => {
  test('is listed among the ways, and makes it a recent sign-in', async () => {
    const account = await leftOpen()
    expect((await sensitive(account)).errors[0]?.extensions).toMatchObject({
      code: 'STEP_UP_REQUIRED',
      accepts: [['PROVIDER'], ['EMAIL']],
    })
    const input = await confirmCode(service, fake, account, account.person)
    const { data, errors } = await completeConfirm(service, account, input)
    expect([errors, data?.completeProviderReauthentication]).toMatchObject([
      [],
      { strength: 'SINGLE', methods: ['PROVIDER'] },
    ])
    expect(codes(await sensitive(account))).toEqual([])
    expect(codes(await completeConfirm(service, account, input))).toEqual([])
    service.clock.advance(61)
    expect(codes(await completeConfirm(service, account, input))).toEqual(['TOKEN_INVALID'])
  })

  test('asks the provider to ask the person again', async () => {
    const { url } = await startAs(service, StartProviderReauthentication, await leftOpen())
    expect(new URL(url ?? '').searchParams.get('prompt')).toBe('login')
  })

  test('together with the authenticator app is a full sign-in', async () => {
    const account = await leftOpen()
    const app = await haveTotp(service, account.id)
    const { errors } = await sensitive(account)
    expect(errors[0]?.extensions.accepts).toEqual([
      ['PROVIDER', 'TOTP'],
      ['EMAIL', 'TOTP'],
    ])
    await completeConfirm(service, account, await confirmCode(service, fake, account, account.person))
    expect(codes(await sensitive(account))).toEqual(['STEP_UP_REQUIRED'])
    const proofs = [{ totpCode: app.code() }]
    const { data } = await service.send(StepUp, { input: { proofs } }, { token: account.accessToken })
    expect(codes(await sensitive({ accessToken: data?.stepUp.accessToken ?? '' }))).toEqual([])
  })

  test('takes a person whom the account knows, and the session that began', async () => {
    const account = await leftOpen()
    const stranger = await confirmCode(service, fake, account, someone())
    expect(codes(await completeConfirm(service, account, stranger))).toEqual(['INVALID_CREDENTIALS'])
    const other = await signedInWith(service, fake, account.person)
    const input = await confirmCode(service, fake, account, account.person)
    expect(codes(await completeConfirm(service, other, input))).toEqual(['TOKEN_INVALID'])
    expect(codes(await complete(service, input))).toEqual(['TOKEN_INVALID'])
    expect(codes(await sensitive(account))).toEqual(['STEP_UP_REQUIRED'])
    const linking = await linkCode(service, fake, other, account.person)
    expect(codes(await completeConfirm(service, other, linking))).toEqual(['TOKEN_INVALID'])
  })

  test('refuses a provider that says it asked the person before', async () => {
    const account = await leftOpen()
    const seconds = Math.floor(service.clock.now().getTime() / 1000)
    fake.bend = { claims: claims => ({ ...claims, auth_time: seconds - 3600 }) }
    const stale = await confirmCode(service, fake, account, account.person)
    expect(codes(await completeConfirm(service, account, stale))).toEqual(['PROVIDER_FAILED'])
    expect(codes(await sensitive(account))).toEqual(['STEP_UP_REQUIRED'])
    fake.bend = { claims: claims => ({ ...claims, auth_time: seconds }) }
    const fresh = await confirmCode(service, fake, account, account.person)
    expect(codes(await completeConfirm(service, account, fresh))).toEqual([])
  })

  test('is for signed-in people only', async () => {
    const { reply } = await startAs(service, StartProviderReauthentication, { accessToken: 'none' })
    expect(codes(reply)).toEqual(['UNAUTHENTICATED'])
    expect(
      codes(await completeConfirm(service, { accessToken: 'none' }, { code: 'x', codeVerifier: 'x' })),
    ).toEqual(['UNAUTHENTICATED'])
  })
})

test('a session that a provider confirmed stays as strong as before after a refresh', async () => {
  const account = await leftOpen()
  await completeConfirm(service, account, await confirmCode(service, fake, account, account.person))
  const { data } = await service.send(Refresh, { input: { refreshToken: account.refreshToken } })
  expect(codes(await sensitive({ accessToken: data?.refreshToken.accessToken ?? '' }))).toEqual([])
})
