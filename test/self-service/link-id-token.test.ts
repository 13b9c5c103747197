import { expect, test } from '@jest/globals'
import { type SignedIn, signUp, signUpVerified } from '../support/actors.ts'
import { auditOf } from '../support/audit.ts'
import type { FakeClaims } from '../support/fake-provider.ts'
import { CreateProviderNonce, LinkIdToken, SignInWithIdToken } from '../support/operations.ts'
import { someone, useProviders } from '../support/provider-sign-in.ts'
import { codes } from '../support/service.ts'

const { service, fake } = useProviders()

async function proof(person: FakeClaims, claims: FakeClaims = {}) {
  const nonce = (await service.send(CreateProviderNonce)).data?.createProviderNonce.nonce ?? ''
  return { provider: 'corp', nonce, idToken: await fake.idToken(person, { nonce, ...claims }) }
}

const link = async (
  { accessToken }: Pick<SignedIn, 'accessToken'>,
  person: FakeClaims,
  claims?: FakeClaims,
) => service.send(LinkIdToken, { input: await proof(person, claims) }, { token: accessToken })

test('a signed-in person connects the identity of the token, which signs in from then on', async () => {
  const ada = await signUpVerified(service)
  const person = someone()
  expect((await link(ada, person)).data?.linkIdToken).toMatchObject({ provider: 'corp' })
  const { data } = await service.send(SignInWithIdToken, { input: await proof(person) })
  expect(data?.signInWithIdToken).toMatchObject({ __typename: 'AuthPayload', user: { id: ada.id } })
  const actions = (await auditOf(service, ada.id)).map(({ action }) => action)
  expect(actions).toContain('identity.linked')
})

test('an identity of another account is not taken from it', async () => {
  const person = someone()
  await link(await signUpVerified(service), person)
  expect(codes(await link(await signUpVerified(service), person))).toEqual(['IDENTITY_TAKEN'])
})

test('of 10 accounts that connect one identity at the same time, one gets it', async () => {
  const person = someone()
  const accounts = await Promise.all(Array.from({ length: 10 }, () => signUpVerified(service)))
  const replies = await Promise.all(accounts.map(account => link(account, person)))
  expect(replies.flatMap(codes)).toEqual(Array(9).fill('IDENTITY_TAKEN'))
})

test('a token that proves nothing connects nothing and is on record for the account', async () => {
  const ada = await signUpVerified(service)
  expect(codes(await link(ada, someone(), { aud: 'com.evil.app' }))).toEqual(['INVALID_CREDENTIALS'])
  expect(await service.app.db.identity.count({ where: { userId: ada.id } })).toBe(0)
  const denied = (await auditOf(service, ada.id)).filter(({ action }) => action === 'session.denied')
  expect(denied).toMatchObject([{ detail: { provider: 'corp', because: expect.stringContaining('aud') } }])
})

test('it takes a session, a recent sign-in and a verified address', async () => {
  const input = await proof(someone())
  expect(codes(await service.send(LinkIdToken, { input }))).toEqual(['UNAUTHENTICATED'])
  expect(codes(await link(await signUp(service), someone()))).toEqual(['EMAIL_NOT_VERIFIED'])
  const ada = await signUpVerified(service)
  const data = { authenticatedAt: new Date(service.clock.now().getTime() - 3600_000) }
  await service.app.db.session.update({
    where: { id: ada.sessionId },
    data: { ...data, passwordAt: data.authenticatedAt },
  })
  expect(codes(await link(ada, someone()))).toEqual(['REAUTHENTICATION_REQUIRED'])
})
