import { expect, test } from '@jest/globals'
import { openTokens } from '../../src/credentials/provider/tokens.ts'
import { prune } from '../../src/maintenance/prune.ts'
import { signUp, signUpAdmin, signUpVerified } from '../support/actors.ts'
import {
  begin,
  codeFor,
  complete,
  signedInWith,
  signInWith,
  someone,
  useProviders,
} from '../support/provider-sign-in.ts'
import { codes } from '../support/service.ts'

const { service, fake } = useProviders({ PROVIDER_SURE_KEEP_TOKENS: 'on' })

const IDENTITIES = 'query ($id: ID!) { user(id: $id) { identities { provider email displayName } } }'

test('the owner and administrators see the identities of an account; others do not', async () => {
  const person = someone()
  const { user, accessToken } = await signedInWith(service, fake, person)
  const admin = await signUpAdmin(service)
  for (const token of [accessToken, admin.accessToken]) {
    const { data } = await service.send<{ user: object }, object>(IDENTITIES, { id: user.id }, { token })
    expect(data?.user).toEqual({
      identities: [{ provider: 'sure', email: person.email, displayName: 'Ada' }],
    })
  }
  const other = await signUp(service)
  const reply = await service.send(IDENTITIES, { id: user.id }, { token: other.accessToken })
  expect(codes(reply)).toEqual(['FORBIDDEN'])
})

test('the export of an account has its identities, without the provider’s tokens', async () => {
  const person = someone()
  const { accessToken } = await signedInWith(service, fake, person)
  const { data } = await service.send<{ exportAccount: string }, object>(
    '{ exportAccount }',
    {},
    { token: accessToken },
  )
  const exported = JSON.parse(data?.exportAccount ?? '{}') as { identities: object[] }
  expect(exported.identities).toEqual([
    {
      provider: 'sure',
      issuer: fake.issuer,
      subject: person.sub,
      email: person.email,
      displayName: 'Ada',
      createdAt: expect.any(String),
      lastUsedAt: expect.any(String),
    },
  ])
})

test('deleting an account deletes its identities, so that the person can start anew', async () => {
  const person = someone()
  const { user } = await signedInWith(service, fake, person)
  const admin = await signUpAdmin(service)
  await service.send(
    'mutation ($id: ID!) { deleteUser(id: $id) }',
    { id: user.id },
    { token: admin.accessToken },
  )
  expect(await service.app.db.identity.count({ where: { subject: person.sub } })).toBe(0)
  expect((await signedInWith(service, fake, person)).user.id).not.toBe(user.id)
})

test('a provider’s tokens are kept only where the settings say so, sealed for their identity', async () => {
  const [kept, discarded] = [someone(), someone()]
  await signedInWith(service, fake, kept, 'sure')
  await signedInWith(service, fake, discarded, 'verifying')
  const rowOf = ({ sub }: { sub: string }) =>
    service.app.db.identity.findFirstOrThrow({ where: { subject: sub } })
  expect((await rowOf(discarded)).sealedTokens).toBeNull()
  const row = await rowOf(kept)
  const tokens = openTokens(service.app, row.provider, row.sealedTokens ?? '')
  expect(tokens.accessToken.length).toBeGreaterThan(10)
  expect(row.sealedTokens).not.toContain(tokens.accessToken)
  expect(() => openTokens(service.app, 'another provider', row.sealedTokens ?? '')).toThrow()
})

test('very long tokens do not keep a person from signing in or up', async () => {
  fake.bend = { tokens: correct => ({ ...correct, access_token: 'a'.repeat(40_000) }) }
  const { user } = await signedInWith(service, fake, someone())
  expect(await service.app.db.identity.count({ where: { userId: user.id, sealedTokens: null } })).toBe(0)
  const ada = await signUpAdmin(service)
  const result = await signInWith(service, fake, someone({ email: ada.email }))
  if (result.__typename !== 'ProviderLinkRequired') throw new Error(result.__typename)
  expect(result.ticket.length).toBeLessThan(16_384)
})

test('the next sign-in replaces the kept tokens', async () => {
  const person = someone()
  await signedInWith(service, fake, person)
  const where = { subject: person.sub }
  const before = await service.app.db.identity.findFirstOrThrow({ where })
  await signedInWith(service, fake, person)
  const after = await service.app.db.identity.findFirstOrThrow({ where })
  expect(after.sealedTokens).not.toBe(before.sealedTokens)
  expect(after.tokenVersion).toBeGreaterThan(before.tokenVersion)
})

test('the tokens of an identity that signs up later are kept as well', async () => {
  const ada = await signUpVerified(service)
  await signedInWith(service, fake, someone({ email: ada.email }))
  const row = await service.app.db.identity.findFirstOrThrow({ where: { userId: ada.id } })
  expect(row.sealedTokens).not.toBeNull()
})

test('expired sign-ins with a provider are deleted, and what they held with them', async () => {
  await begin(service)
  const input = await codeFor(service, fake, someone())
  await complete(service, input)
  expect(await service.app.db.providerFlow.count()).toBeGreaterThan(1)
  service.clock.advance(901)
  await prune(service.app)
  expect(await service.app.db.providerFlow.count()).toBe(0)
})
