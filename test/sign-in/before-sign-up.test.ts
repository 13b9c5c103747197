import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { PublicKeyCredentialCreationOptionsJSON } from '@simplewebauthn/server'
import { as, newAddress, newRole, PASSWORD, register, signUpWith } from '../support/actors.ts'
import { startFakeProvider } from '../support/fake-provider.ts'
import { mailedToken } from '../support/mails.ts'
import { InviteUser, VerifyEmail } from '../support/operations.ts'
import { newAuthenticator } from '../support/passkeys.ts'
import { codeFor, someone } from '../support/provider-sign-in.ts'
import { isSigned, startReceiver } from '../support/receiver.ts'
import { codes, type Service, startService, useService } from '../support/service.ts'

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const receiver = await startReceiver()
const provider = await startFakeProvider()
const settings = {
  ...provider.settings('google'),
  PROVIDER_GOOGLE_TYPE: 'oidc',
  PROVIDER_GOOGLE_EMAIL: 'authoritative',
  RETURN_ORIGINS: 'https://app.example.com',
  EMAIL_LOGIN: 'on',
  BEFORE_SIGN_UP_URL: receiver.at('/sign-ups'),
  BEFORE_SIGN_UP_SECRET: SECRET,
}
const service = useService({ settings })
afterAll(() => Promise.all([receiver.stop(), provider.stop()]))

beforeEach(() => receiver.answer(() => [200, { allow: false, message: 'Only members can sign up.' }]))
afterEach(() => void receiver.received.splice(0))

/** Everything that a sign-up could leave behind. */
async function rowsOf({ app: { db } }: Service): Promise<number[]> {
  const tables = [db.user, db.identity, db.passkey, db.session]
  const counts = await Promise.all(tables.map(table => (table as typeof db.user).count()))
  const registrations = await db.emailToken.count({ where: { purpose: 'registration' } })
  return [...counts, registrations]
}

const REFUSED = {
  message: 'Only members can sign up.',
  extensions: expect.objectContaining({ code: 'SIGN_UP_REFUSED' }),
}

type Path = {
  method: string
  emailVerified: boolean
  act: (s: Service, email: string) => Promise<{ errors: object[] }>
}

const paths: [string, Path][] = [
  ['register', { method: 'PASSWORD', emailVerified: false, act: (s, email) => register(s, { email }) }],
  [
    'registerWithPasskey',
    {
      method: 'PASSKEY',
      emailVerified: false,
      act: async (s, email) => {
        const begin =
          'mutation ($email: String!) { beginPasskeyRegistration(input: { email: $email }) { ticket options } }'
        const { data } = await s.send<
          { beginPasskeyRegistration: { ticket: string; options: object } },
          object
        >(begin, { email })
        const { ticket, options } = data?.beginPasskeyRegistration ?? { ticket: '', options: {} }
        const credential = newAuthenticator(s).create(options as PublicKeyCredentialCreationOptionsJSON)
        const finish = `mutation ($passkey: PasskeyInput!) {
          registerWithPasskey(input: { passkey: $passkey }) { __typename }
        }`
        return s.send(finish, { passkey: { ticket, credential } })
      },
    },
  ],
  [
    'loginWithEmail',
    {
      method: 'EMAIL',
      emailVerified: true,
      act: async (s, email) => {
        await s.send(
          'mutation ($email: String!) { requestEmailLogin(input: { email: $email }) { ticket } }',
          { email },
        )
        const token = await mailedToken(s, email, 'email-login')
        return s.send(
          'mutation ($token: String!) { loginWithEmail(input: { token: $token }) { __typename } }',
          { token },
        )
      },
    },
  ],
  [
    'completeProviderSignIn',
    {
      method: 'PROVIDER',
      emailVerified: true,
      act: async (s, email) => {
        const input = await codeFor(s, provider, someone({ email }), { provider: 'google' })
        const text =
          'mutation ($input: CompleteProviderInput!) { completeProviderSignIn(input: $input) { __typename } }'
        return s.send(text, { input })
      },
    },
  ],
  [
    'completeProviderSignUp',
    {
      method: 'PROVIDER',
      emailVerified: false,
      act: async (s, email) => {
        const input = await codeFor(s, provider, someone({ email: undefined }), { provider: 'google' })
        const text = `mutation ($input: CompleteProviderInput!) {
          completeProviderSignIn(input: $input) { ... on ProviderSignUpRequired { ticket } }
        }`
        const { data } = await s.send<{ completeProviderSignIn: { ticket: string } }, object>(text, { input })
        const complete = `mutation ($input: CompleteSignUpInput!) {
          completeProviderSignUp(input: $input) { __typename }
        }`
        return s.send(complete, { input: { ticket: data?.completeProviderSignIn.ticket, email } })
      },
    },
  ],
]

describe('BEFORE_SIGN_UP_URL', () => {
  test.each(paths)(
    '%s stores nothing unless the operator’s server allows it, and says why',
    async (_name, path) => {
      const before = await rowsOf(service)
      const email = newAddress()
      expect((await path.act(service, email)).errors).toEqual([expect.objectContaining(REFUSED)])
      expect(await rowsOf(service)).toEqual(before)
      const [asked, ...more] = receiver.received
      expect(more).toEqual([])
      if (!asked) throw new Error('it was not asked')
      expect(isSigned(asked, SECRET)).toBe(true)
      expect(asked).toMatchObject({
        type: 'user.before_sign_up',
        data: { email, method: path.method, emailVerified: path.emailVerified, ipAddress: '127.0.0.1' },
      })
      expect(asked.data.provider).toBe(path.method === 'PROVIDER' ? 'google' : null)
      expect(JSON.stringify(asked.body)).not.toContain(PASSWORD)
      receiver.answer(() => [200, { allow: true }])
      const address = newAddress()
      expect((await path.act(service, address)).errors).toEqual([])
      expect(await service.app.db.user.count({ where: { email: address } })).toBe(1)
    },
  )

  test('an invitation of a new address is asked about too', async () => {
    receiver.answer(() => [200, { allow: true }])
    const admin = await signUpWith(service, await newRole(service, 'users:write'))
    receiver.answer(() => [200, { allow: false }])
    const before = await rowsOf(service)
    const invitation = await service.send(InviteUser, { input: { email: newAddress() } }, as(admin))
    expect(codes(invitation)).toEqual(['SIGN_UP_REFUSED'])
    expect(await rowsOf(service)).toEqual(before)
  })

  test.each([
    ['no answer', () => undefined],
    ['an error', () => 500],
    ['a redirect', () => 302],
    ['no decision', () => [200, {}] as [number, object]],
    ['a decision that is not one', () => [200, { allow: 'yes' }] as [number, object]],
    ['no JSON', () => 200],
    ['more than it needs', () => [200, { allow: true, more: 'x'.repeat(20_000) }] as [number, object]],
    ['a message in several lines', () => [200, { allow: true, message: 'one\ntwo' }] as [number, object]],
  ])('%s is a refusal with SERVICE_UNAVAILABLE, which stores nothing', async (_what, answer) => {
    receiver.answer(answer)
    const before = await rowsOf(service)
    const reply = await register(service)
    expect(codes(reply)).toEqual(['SERVICE_UNAVAILABLE'])
    expect(await rowsOf(service)).toEqual(before)
    expect(service.logged.splice(0).join()).toContain('the sign-up was refused')
  })

  test('attempts beyond the limit, and those with invalid input, do not reach it', async () => {
    expect(codes(await register(service, { password: 'short' }))).toEqual(['BAD_USER_INPUT'])
    expect(receiver.received).toEqual([])
  })
})

test('where addresses are verified first, known and unknown ones are asked about alike, and again by the link', async () => {
  const strict = await startService({ settings: { ...settings, EMAIL_VERIFICATION: 'required' } })
  try {
    receiver.answer(() => [200, { allow: true }])
    const email = newAddress()
    await register(strict, { email })
    await strict.send(VerifyEmail, { input: { token: await mailedToken(strict, email, 'verify-email') } })
    const waiting = newAddress()
    await register(strict, { email: waiting })
    receiver.answer(() => [200, { allow: false }])
    receiver.received.splice(0)
    const before = await rowsOf(strict)
    const known = await register(strict, { email })
    const unknown = await register(strict, { email: newAddress() })
    expect([codes(known), codes(unknown)]).toEqual([['SIGN_UP_REFUSED'], ['SIGN_UP_REFUSED']])
    expect(receiver.received).toHaveLength(2)
    const token = await mailedToken(strict, waiting, 'verify-email')
    expect(codes(await strict.send(VerifyEmail, { input: { token } }))).toEqual(['SIGN_UP_REFUSED'])
    expect(receiver.received.at(-1)?.data).toMatchObject({ email: waiting, emailVerified: true })
    expect(await rowsOf(strict)).toEqual(before)
  } finally {
    await strict.close()
  }
})

test('beforeSignUp of an embedding program decides the same, and fails closed', async () => {
  let decide: (email: string) => unknown = () => ({ allow: true })
  const asked: string[] = []
  const embedding = await startService({
    server: {
      beforeSignUp: async ({ email }) => {
        asked.push(email)
        return decide(email) as { allow: boolean }
      },
    },
  })
  try {
    const email = newAddress()
    expect(codes(await register(embedding, { email }))).toEqual([])
    expect(asked).toEqual([email])
    decide = () => ({ allow: false })
    expect(codes(await register(embedding))).toEqual(['SIGN_UP_REFUSED'])
    for (const answer of [() => undefined, () => true, () => Promise.reject(new Error('no'))]) {
      decide = answer
      expect(codes(await register(embedding))).toEqual(['SERVICE_UNAVAILABLE'])
    }
    expect(await embedding.app.db.user.count()).toBe(1)
    embedding.logged.splice(0)
  } finally {
    await embedding.close()
  }
})
