import { createHash } from 'node:crypto'
import { expect, test } from '@jest/globals'
import type { IdTokenInput } from '../generated/graphql.ts'
import { signUp, signUpVerified } from '../support/actors.ts'
import type { FakeClaims } from '../support/fake-provider.ts'
import { CreateProviderNonce, Me, SignInWithIdToken } from '../support/operations.ts'
import { someone, useProviders } from '../support/provider-sign-in.ts'
import { codes } from '../support/service.ts'

const { service, fake } = useProviders()

async function newNonce(): Promise<string> {
  const { data } = await service.send(CreateProviderNonce)
  if (!data) throw new Error('no nonce')
  return data.createProviderNonce.nonce
}

/** What an app sends after the provider's sign-in on the device. */
async function proof(person: FakeClaims, input: Partial<IdTokenInput> = {}): Promise<IdTokenInput> {
  const nonce = await newNonce()
  const idToken = await fake.idToken(person, { nonce })
  return { provider: 'sure', idToken, nonce, ...input }
}

const send = (input: IdTokenInput) => service.send(SignInWithIdToken, { input })

async function signedIn(input: IdTokenInput) {
  const { data, errors } = await send(input)
  const result = data?.signInWithIdToken
  if (result?.__typename !== 'AuthPayload') throw new Error(JSON.stringify([result, errors]))
  return result
}

test('a new person gets an account with a verified address and without a password, and returns to it', async () => {
  const ada = someone()
  const first = await signedIn(await proof(ada, { deviceName: 'Ada’s phone' }))
  expect(first).toMatchObject({
    session: { strength: 'SINGLE', methods: ['PROVIDER'] },
    user: { email: ada.email, emailVerified: true, hasPassword: false, identities: [{ provider: 'sure' }] },
  })
  expect((await service.send(Me, {}, { token: first.accessToken })).data?.me?.id).toBe(first.user.id)
  expect((await signedIn(await proof(ada))).user.id).toBe(first.user.id)
})

test('the nonce may be in the token as its hash', async () => {
  const nonce = await newNonce()
  const hashed = createHash('sha256').update(nonce).digest('hex')
  const idToken = await fake.idToken(someone(), { nonce: hashed })
  await signedIn({ provider: 'sure', idToken, nonce })
})

test('a name that only the app knows becomes the name of the new account', async () => {
  const { name: _, ...nameless } = someone()
  const { user } = await signedIn(await proof(nameless, { displayName: 'Ada Lovelace' }))
  expect(user.displayName).toBe('Ada Lovelace')
})

test('one person who signs in 20 times in parallel has one account', async () => {
  const ada = someone()
  const inputs = await Promise.all(Array.from({ length: 20 }, () => proof(ada)))
  const replies = await Promise.all(inputs.map(send))
  expect(replies.flatMap(codes)).toEqual([])
  expect(await service.app.db.user.count({ where: { emailCanonical: ada.email } })).toBe(1)
})

test('a provider whose addresses are not relied on never signs in to an account by its address', async () => {
  const victim = await signUpVerified(service)
  const { data } = await send(await proof(someone({ email: victim.email }), { provider: 'corp' }))
  expect(data?.signInWithIdToken).toMatchObject({ __typename: 'ProviderSignUpRequired', email: victim.email })
})

test('a trap that a stranger registered with the address is taken over, not joined', async () => {
  const ada = someone()
  const stranger = await signUp(service, { email: ada.email })
  const { user } = await signedIn(await proof(ada))
  expect(user).toMatchObject({ id: stranger.id, emailVerified: true, hasPassword: false })
  const reply = await service.send(Me, {}, { token: stranger.accessToken })
  expect(codes(reply)).toEqual(['UNAUTHENTICATED'])
})

/** The events of refused sign-ins since `since`. */
async function denials(since: Date) {
  const events = await service.app.db.auditEvent.findMany({
    where: { action: 'session.denied', at: { gte: since } },
  })
  return events.map(({ detail }) => detail as Record<string, unknown>)
}

test.each<
  [attack: string, forge: (person: FakeClaims) => Promise<IdTokenInput>, code: string, check: string]
>([
  [
    'a token for another app',
    async person => {
      const nonce = await newNonce()
      return { provider: 'sure', nonce, idToken: await fake.idToken(person, { nonce, aud: 'com.evil.app' }) }
    },
    'INVALID_CREDENTIALS',
    'claim aud',
  ],
  [
    'a token with another nonce',
    async person => ({ ...(await proof(person)), nonce: await newNonce() }),
    'INVALID_CREDENTIALS',
    'claim nonce',
  ],
  [
    'a token without a nonce',
    async person => ({ provider: 'sure', idToken: await fake.idToken(person) }),
    'INVALID_CREDENTIALS',
    'claim nonce',
  ],
  [
    'a nonce that this server did not make',
    async person => ({ ...(await proof(person)), nonce: 'mine' }),
    'TOKEN_INVALID',
    'TOKEN_INVALID',
  ],
])('%s starts no session and is on record once', async (_attack, forge, code, check) => {
  const since = service.clock.now()
  const person = someone()
  const sessions = await service.app.db.session.count()
  const input = await forge(person)
  const reply = await send(input)
  expect(codes(reply)).toEqual([code])
  expect(await service.app.db.session.count()).toBe(sessions)
  expect(await service.app.db.user.count({ where: { emailCanonical: person.email } })).toBe(0)
  expect(await denials(since)).toEqual([{ provider: 'sure', code, because: expect.stringContaining(check) }])
  expect(JSON.stringify(reply)).not.toContain(input.idToken)
})

test('a nonce is used once', async () => {
  const input = await proof(someone())
  await signedIn(input)
  expect(codes(await send(input))).toEqual(['TOKEN_INVALID'])
})

test('an unknown provider is bad input', async () => {
  const reply = await send(await proof(someone(), { provider: 'nowhere' }))
  expect(codes(reply)).toEqual(['BAD_USER_INPUT'])
  expect(reply.errors[0]?.extensions.fields).toEqual({ 'input.provider': [expect.any(String)] })
})

test('a disabled account is refused', async () => {
  const ada = someone()
  const { user } = await signedIn(await proof(ada))
  await service.app.db.user.update({ where: { id: user.id }, data: { disabledAt: service.clock.now() } })
  expect(codes(await send(await proof(ada)))).toEqual(['ACCOUNT_DISABLED'])
})
