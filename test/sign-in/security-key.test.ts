import { describe, expect, test } from '@jest/globals'
import type { PublicKeyCredentialRequestOptionsJSON } from '@simplewebauthn/server'
import { signUpVerified } from '../support/actors.ts'
import type { Ceremony, SoftAuthenticator } from '../support/authenticator.ts'
import { firstStep, haveTotp } from '../support/factors.ts'
import { claimsOf } from '../support/forge.ts'
import { CompleteLogin } from '../support/operations.ts'
import { beginLogin, havePasskey, passkeyProblem } from '../support/passkeys.ts'
import { codes, useService } from '../support/service.ts'

const service = useService()

/** An account that demands a second factor, with a security key. */
async function signUpWithKey({ discoverable = false } = {}) {
  const account = await signUpVerified(service)
  await haveTotp(service, account.id)
  const key = await havePasskey(service, account.id, { synced: false, discoverable })
  return { ...account, key }
}

/** The first step of a sign-in, with a password. */
async function begin(email: string) {
  const { data } = await firstStep(service, email)
  if (data?.login.__typename !== 'SecondFactorRequired') throw new Error(JSON.stringify(data))
  const { ticket, methods, passkeyOptions } = data.login
  return { ticket, methods, options: passkeyOptions as PublicKeyCredentialRequestOptionsJSON }
}

type Begun = Awaited<ReturnType<typeof begin>>

function answer({ ticket, options }: Begun, key: SoftAuthenticator, ceremony: Ceremony = {}, other?: string) {
  const credential = key.get(options, ceremony) as unknown as Record<string, unknown>
  const passkey = { ticket: other ?? ticket, credential }
  return service.send(CompleteLogin, { input: { ticket, proof: { passkey } } })
}

const TOUCH = { userVerified: false }

describe('a security key as second factor', () => {
  test('is offered with the account’s credentials, and completes the sign-in with a touch', async () => {
    const { email, id, key } = await signUpWithKey()
    const begun = await begin(email)
    expect(begun.methods).toEqual(['SECURITY_KEY', 'TOTP'])
    expect(begun.options).toMatchObject({
      rpId: 'localhost',
      userVerification: 'discouraged',
      allowCredentials: [{ id: key.id, type: 'public-key', transports: ['internal'] }],
    })
    const { data, errors } = await answer(begun, key, TOUCH)
    expect(errors).toEqual([])
    expect(data?.completeLogin).toMatchObject({
      user: { id },
      session: { strength: 'PHISHING_RESISTANT', methods: ['PASSWORD', 'SECURITY_KEY'] },
    })
    expect(claimsOf(data?.completeLogin.accessToken ?? '')).toMatchObject({ acr: 'phr' })
  })

  test('is not offered to an account without one', async () => {
    const { id, email } = await signUpVerified(service)
    await haveTotp(service, id)
    expect(await begin(email)).toMatchObject({ methods: ['TOTP'], options: null })
  })

  test('can be a passkey, which then counts as one if it verifies the person', async () => {
    const { email, key } = await signUpWithKey({ discoverable: true })
    const begun = await begin(email)
    expect(begun.methods).toEqual(['PASSKEY', 'TOTP'])
    const { data } = await answer(begun, key)
    expect(data?.completeLogin.session.methods).toEqual(['PASSWORD', 'PASSKEY'])
  })

  test.each<[string, Ceremony]>([
    ['a page of another origin', { origin: 'https://evil.example' }],
    ['another relying party', { rpId: 'evil.example' }],
    ['another challenge', { challenge: Buffer.alloc(32).toString('base64url') }],
    ['a frame', { crossOrigin: true }],
    ['a bogus signature', { forged: true }],
    ['no touch', { userPresent: false }],
  ])('is refused for %s, and the ticket stays valid', async (_name, ceremony) => {
    const { email, key } = await signUpWithKey()
    const begun = await begin(email)
    expect(passkeyProblem(await answer(begun, key, { ...TOUCH, ...ceremony }))).toBe(
      'PASSKEY_INVALID REFUSED',
    )
    expect(codes(await answer(begun, key, TOUCH))).toEqual([])
  })

  test('is refused if it belongs to another account', async () => {
    const [ada, eve] = [await signUpWithKey(), await signUpWithKey()]
    const reply = await answer(await begin(ada.email), eve.key, TOUCH)
    expect(passkeyProblem(reply)).toBe('PASSKEY_INVALID REFUSED')
  })

  test('answers the ticket of its own sign-in only', async () => {
    const { email, key } = await signUpWithKey()
    const begun = await begin(email)
    const other = await beginLogin(service)
    expect(codes(await answer(begun, key, TOUCH, other.ticket))).toEqual(['TICKET_INVALID'])
    const earlier = await begin(email)
    expect(passkeyProblem(await answer({ ...begun, options: earlier.options }, key, TOUCH))).toBe(
      'PASSKEY_INVALID REFUSED',
    )
  })

  test('starts one session with one answer, 10 times in parallel', async () => {
    const { email, id, key } = await signUpWithKey()
    const begun = await begin(email)
    const credential = key.get(begun.options, TOUCH) as unknown as Record<string, unknown>
    const proof = { passkey: { ticket: begun.ticket, credential } }
    const before = await service.app.db.session.count({ where: { userId: id } })
    const replies = await Promise.all(
      Array.from({ length: 10 }, () =>
        service.send(CompleteLogin, { input: { ticket: begun.ticket, proof } }),
      ),
    )
    expect(replies.filter(({ errors }) => errors.length === 0)).toHaveLength(1)
    expect(await service.app.db.session.count({ where: { userId: id } })).toBe(before + 1)
  })

  test('without verification of the person is no way to sign in by itself', async () => {
    const { key } = await signUpWithKey()
    const { ticket, options } = await beginLogin(service)
    const credential = key.get(options, TOUCH)
    const query = `mutation ($credential: JSONObject!) {
      loginWithPasskey(input: { passkey: { ticket: "${ticket}", credential: $credential } }) { __typename } }`
    expect(passkeyProblem(await service.send(query, { credential }))).toBe('PASSKEY_INVALID REFUSED')
  })
})
