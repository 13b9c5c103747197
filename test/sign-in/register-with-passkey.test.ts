import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { PublicKeyCredentialCreationOptionsJSON } from '@simplewebauthn/server'
import type { BeginPasskeyRegistrationInput } from '../generated/graphql.ts'
import { newAddress, newUsername, signUp } from '../support/actors.ts'
import { actionsOf } from '../support/audit.ts'
import type { Ceremony, SoftAuthenticator } from '../support/authenticator.ts'
import { mailedToken, templatesTo } from '../support/mails.ts'
import { BeginPasskeyRegistration, Login, RegisterWithPasskey, VerifyEmail } from '../support/operations.ts'
import { begun, newAuthenticator, passkeyLogin, passkeyProblem } from '../support/passkeys.ts'
import { watchQueries } from '../support/queries.ts'
import { codes, type Service, startService, useService } from '../support/service.ts'

const service = useService()

async function begin(input: BeginPasskeyRegistrationInput, on: Service = service) {
  const { data, errors } = await on.send(BeginPasskeyRegistration, { input })
  return begun<PublicKeyCredentialCreationOptionsJSON>(data?.beginPasskeyRegistration, errors)
}

type Begun = Awaited<ReturnType<typeof begin>>

function finish(
  { ticket, options }: Begun,
  authenticator: SoftAuthenticator,
  { ceremony = {}, on = service }: { ceremony?: Ceremony; on?: Service } = {},
) {
  const credential = authenticator.create(options, ceremony) as unknown as Record<string, unknown>
  return on.send(RegisterWithPasskey, { input: { passkey: { ticket, credential }, deviceName: 'Phone' } })
}

async function registerWith(input: BeginPasskeyRegistrationInput, on: Service = service) {
  const authenticator = newAuthenticator(on)
  return { authenticator, reply: await finish(await begin(input, on), authenticator, { on }) }
}

describe('a registration with a passkey', () => {
  test('creates an account without a password and signs in; the passkey signs in from then on', async () => {
    const email = newAddress('Mary')
    const { authenticator, reply } = await registerWith({ email, displayName: 'Mary' })
    expect(reply.errors).toEqual([])
    const payload = reply.data?.registerWithPasskey
    if (payload?.__typename !== 'AuthPayload') throw new Error(JSON.stringify(payload))
    expect(payload).toMatchObject({
      session: { strength: 'PHISHING_RESISTANT', methods: ['PASSKEY'], deviceName: 'Phone' },
      user: { email, displayName: 'Mary' },
    })
    const again = await passkeyLogin(service, authenticator)
    expect(again.data?.loginWithPasskey).toMatchObject({ user: { id: payload.user.id } })
    const input = { identifier: email, password: 'seventeen brass engines' }
    expect(codes(await service.send(Login, { input }))).toEqual(['INVALID_CREDENTIALS'])
    expect(await templatesTo(service, email)).toEqual(['verify-email'])
    expect((await actionsOf(service, payload.user.id)).slice(0, 2)).toEqual([
      'user.registered',
      'session.started',
    ])
  })

  test('shows the person’s names to the browser, and a user handle that says nothing', async () => {
    const email = newAddress()
    const { options } = await begin({ email, displayName: 'Mary' })
    expect(options.user).toEqual({
      id: expect.stringMatching(/^[\w-]{43}$/),
      name: email,
      displayName: 'Mary',
    })
    expect(options.authenticatorSelection).toMatchObject({
      residentKey: 'required',
      userVerification: 'required',
    })
  })

  test('begins without asking the database, whether or not the address has an account', async () => {
    const { email } = await signUp(service)
    const queries: (string | undefined)[] = []
    const stop = watchQueries(service.app, name => queries.push(name))
    await begin({ email })
    await begin({ email: newAddress() })
    stop()
    expect(queries).toEqual([])
  })

  test('of a taken address or username is refused, and stores nothing', async () => {
    const username = newUsername()
    const { email } = await signUp(service, { username })
    const before = await service.app.db.passkey.count()
    expect(codes((await registerWith({ email })).reply)).toEqual(['EMAIL_TAKEN'])
    expect(codes((await registerWith({ email: newAddress(), username })).reply)).toEqual(['USERNAME_TAKEN'])
    expect(await service.app.db.passkey.count()).toBe(before)
  })

  test('of one ticket creates one account, 10 times in parallel', async () => {
    const email = newAddress()
    const begunCeremony = await begin({ email })
    const authenticator = newAuthenticator(service)
    const replies = await Promise.all(Array.from({ length: 10 }, () => finish(begunCeremony, authenticator)))
    expect(replies.filter(({ errors }) => errors.length === 0)).toHaveLength(1)
    expect(await service.app.db.user.count({ where: { email } })).toBe(1)
  })

  test('with a credential that an account already has is a CONFLICT', async () => {
    const { authenticator } = await registerWith({ email: newAddress() })
    const email = newAddress()
    expect(codes(await finish(await begin({ email }), authenticator))).toEqual(['CONFLICT'])
    expect(await service.app.db.user.count({ where: { email } })).toBe(0)
  })

  test.each<[string, Ceremony]>([
    ['a page of another origin', { origin: 'https://evil.example' }],
    ['another relying party', { rpId: 'evil.example' }],
    ['another challenge', { challenge: Buffer.alloc(32).toString('base64url') }],
    ['a frame', { crossOrigin: true }],
    ['no user verification', { userVerified: false }],
  ])('is refused for %s', async (_name, ceremony) => {
    const email = newAddress()
    const reply = await finish(await begin({ email }), newAuthenticator(service), { ceremony })
    expect(passkeyProblem(reply)).toBe('PASSKEY_INVALID REFUSED')
    expect(await service.app.db.user.count({ where: { email } })).toBe(0)
  })

  test('names every problem of the input', async () => {
    const { errors } = await service.send(BeginPasskeyRegistration, {
      input: { email: 'ada', username: 'a b' },
    })
    expect(Object.keys(errors[0]?.extensions.fields ?? {})).toEqual(['input.email', 'input.username'])
  })
})

describe('if addresses must be verified first', () => {
  let strict: Service
  let closed: Service
  beforeAll(async () => {
    strict = await startService({ settings: { EMAIL_VERIFICATION: 'required' } })
    closed = await startService({ settings: { REGISTRATION: 'closed' } })
  })
  afterAll(() => Promise.all([strict.close(), closed.close()]))

  test('the link creates the account, and then the passkey signs in', async () => {
    const email = newAddress()
    const { authenticator, reply } = await registerWith({ email }, strict)
    expect(reply.data?.registerWithPasskey).toEqual({ __typename: 'EmailVerificationRequired', email })
    expect(codes(await passkeyLogin(strict, authenticator))).toEqual(['PASSKEY_INVALID'])
    const token = await mailedToken(strict, email, 'verify-email')
    expect(codes(await strict.send(VerifyEmail, { input: { token } }))).toEqual([])
    expect(codes(await passkeyLogin(strict, authenticator))).toEqual([])
    const input = { identifier: email, password: 'seventeen brass engines' }
    expect(codes(await strict.send(Login, { input }))).toEqual(['INVALID_CREDENTIALS'])
  })

  test('an address that has an account gets the same answer, and its owner a notice', async () => {
    const email = newAddress()
    const { authenticator } = await registerWith({ email }, strict)
    await strict.send(VerifyEmail, { input: { token: await mailedToken(strict, email, 'verify-email') } })
    const stranger = await registerWith({ email }, strict)
    expect(stranger.reply.data?.registerWithPasskey).toEqual({
      __typename: 'EmailVerificationRequired',
      email,
    })
    expect(await templatesTo(strict, email)).toEqual(['verify-email', 'already-registered'])
    expect(codes(await passkeyLogin(strict, stranger.authenticator))).toEqual(['PASSKEY_INVALID'])
    expect(codes(await passkeyLogin(strict, authenticator))).toEqual([])
  })

  test('closed registration is closed for passkeys too', async () => {
    const { errors } = await closed.send(BeginPasskeyRegistration, { input: { email: newAddress() } })
    expect(errors[0]?.extensions.code).toBe('REGISTRATION_CLOSED')
  })
})
