import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { sealTokens } from '../../../src/credentials/provider/tokens.ts'
import { type SignedIn, signUp, signUpWith } from '../../support/actors.ts'
import { auditOf } from '../../support/audit.ts'
import { TestClock } from '../../support/clock.ts'
import { type FakeProvider, startFakeProvider } from '../../support/fake-provider.ts'
import { ProviderTokenOf } from '../../support/operations.ts'
import { codes, type Service, startService } from '../../support/service.ts'

let fake: FakeProvider
let service: Service
let replica: Service
let admin: SignedIn

beforeAll(async () => {
  const clock = new TestClock()
  fake = await startFakeProvider({ clock })
  const settings = { ...fake.settings(), PROVIDER_CORP_KEEP_TOKENS: 'on' }
  service = await startService({ clock, settings })
  const databaseUrl = service.app.config.database.url
  replica = await startService({ clock, settings, ...(databaseUrl && { databaseUrl }) })
  admin = await signUpWith(service, 'admin')
})
afterAll(async () => {
  await replica.close()
  await service.close()
  await fake.stop()
})
afterEach(() => {
  fake.bend = {}
  fake.requests.length = 0
  fake.refreshTokens.clear()
})

const ask = (userId: string, { at = service, by = admin, provider = 'corp' } = {}) =>
  at.send(ProviderTokenOf, { userId, provider }, { token: by.accessToken })

/** An account with tokens of the provider that expire in this time. */
async function withTokens(expiresInSeconds: number | null, refreshToken: string | null = randomUUID()) {
  const account = await signUp(service)
  const accessToken = `access-${randomUUID()}`
  const at = service.clock.now()
  const expiresAt = expiresInSeconds === null ? null : new Date(at.getTime() + expiresInSeconds * 1000)
  const tokens = { clientId: 'authograph', accessToken, refreshToken, expiresAt, scopes: ['openid', 'files'] }
  if (refreshToken) fake.refreshTokens.add(refreshToken)
  const { id } = await service.app.db.identity.create({
    data: {
      userId: account.id,
      provider: 'corp',
      issuer: fake.issuer,
      subject: randomUUID(),
      sealedTokens: sealTokens(service.app, 'corp', tokens),
      createdAt: at,
      lastUsedAt: at,
    },
  })
  return { ...account, providerAccess: accessToken, identityId: id, expiresAt }
}

const refreshes = () => fake.requests.filter(({ form }) => form.get('grant_type') === 'refresh_token').length

test('a token that is still valid is returned as it is, on record without it', async () => {
  const ada = await withTokens(600)
  const { data } = await ask(ada.id)
  expect(data?.providerToken).toEqual({
    accessToken: ada.providerAccess,
    expiresAt: ada.expiresAt?.toISOString(),
    scopes: ['openid', 'files'],
  })
  expect(fake.requests).toEqual([])
  const events = await auditOf(service, ada.id)
  const used = events.filter(({ action }) => action === 'identity.token_used')
  expect(used).toMatchObject([{ actorId: admin.id, detail: { provider: 'corp' } }])
  expect(JSON.stringify(events)).not.toContain(ada.providerAccess)
})

test('a token without an expiry is returned as it is', async () => {
  const ada = await withTokens(null)
  expect((await ask(ada.id)).data?.providerToken).toMatchObject({ accessToken: ada.providerAccess })
})

test('a token that is about to expire is refreshed, and the new one is kept', async () => {
  const ada = await withTokens(30)
  const first = (await ask(ada.id)).data?.providerToken
  expect(first?.accessToken).not.toBe(ada.providerAccess)
  expect(first?.scopes).toEqual(['openid', 'files'])
  const second = (await ask(ada.id, { at: replica })).data?.providerToken
  expect(second).toEqual(first)
  expect(refreshes()).toBe(1)
})

test('20 parallel requests at two replicas refresh once, and all get the same token', async () => {
  const ada = await withTokens(-10)
  const replies = await Promise.all(
    Array.from({ length: 20 }, (_, i) => ask(ada.id, { at: i % 2 ? service : replica })),
  )
  expect(replies.flatMap(codes)).toEqual([])
  expect(new Set(replies.map(({ data }) => data?.providerToken.accessToken)).size).toBe(1)
  expect(refreshes()).toBe(1)
})

test('a process that dies while it refreshes blocks the others for half a minute only', async () => {
  const ada = await withTokens(-10)
  const refreshingUntil = new Date(service.clock.now().getTime() + 30_000)
  await service.app.db.identity.update({ where: { id: ada.identityId }, data: { refreshingUntil } })
  service.clock.advance(31)
  expect((await ask(ada.id)).data?.providerToken.accessToken).toMatch(/\S/)
})

test('if the provider has ended the tokens, there is none, and it is not asked again', async () => {
  const ada = await withTokens(-10)
  fake.refreshTokens.clear()
  expect(codes(await ask(ada.id))).toEqual(['NOT_FOUND'])
  expect(codes(await ask(ada.id))).toEqual(['NOT_FOUND'])
  expect(refreshes()).toBe(1)
})

test('while the provider is down, the token stays, and the next request tries again', async () => {
  const ada = await withTokens(-10)
  fake.bend.answer = ({ path }, response) => {
    if (path !== '/token') return false
    response.writeHead(503).end()
    return true
  }
  expect(codes(await ask(ada.id))).toEqual(['PROVIDER_FAILED'])
  fake.bend = {}
  expect((await ask(ada.id)).data?.providerToken.accessToken).toMatch(/\S/)
})

test.each([
  ['an account without the provider', async () => (await signUp(service)).id, 'corp'],
  ['an unknown provider', async () => (await withTokens(600)).id, 'other'],
  ['an expired token that cannot be refreshed', async () => (await withTokens(-10, null)).id, 'corp'],
  ['an account that does not exist', async () => randomUUID(), 'corp'],
  ['an ID that is none', async () => 'x', 'corp'],
])('%s has none', async (_what, idOf, provider) => {
  expect(codes(await ask(await idOf(), { provider }))).toEqual(['NOT_FOUND'])
})

test('only identities:tokens allows it, and not for an account with permissions that the caller lacks', async () => {
  const ada = await withTokens(600)
  expect(codes(await service.send(ProviderTokenOf, { userId: ada.id, provider: 'corp' }))).toEqual([
    'UNAUTHENTICATED',
  ])
  expect(codes(await ask(ada.id, { by: ada }))).toEqual(['FORBIDDEN'])
  const permissions = ['identities:tokens', 'users:read']
  await service.app.db.role.create({ data: { name: 'calendar', permissions } })
  const robot = await signUpWith(service, 'calendar')
  expect(codes(await ask(ada.id, { by: robot }))).toEqual([])
  const boss = await withTokens(600)
  await service.app.db.userRole.create({ data: { userId: boss.id, roleName: 'admin' } })
  expect(codes(await ask(boss.id, { by: robot }))).toEqual(['FORBIDDEN'])
})
