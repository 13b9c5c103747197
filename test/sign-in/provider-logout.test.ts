import { randomUUID } from 'node:crypto'
import { afterEach, expect, test } from '@jest/globals'
import { signUp } from '../support/actors.ts'
import { auditOf } from '../support/audit.ts'
import type { FakeClaims } from '../support/fake-provider.ts'
import { Me, ProviderLogoutUrl } from '../support/operations.ts'
import { signedInWith, someone, useProviders } from '../support/provider-sign-in.ts'
import { codes } from '../support/service.ts'

const { service, fake } = useProviders()
afterEach(() => {
  fake.bend = {}
})

/** A session of a person whose session at the provider is `sid`. */
async function session(person: FakeClaims, sid: string) {
  fake.bend.claims = claims => ({ ...claims, sid })
  const { accessToken, user } = await signedInWith(service, fake, person)
  return { accessToken, id: user.id }
}

const announce = async (token: string, provider = 'sure') =>
  fetch(`${service.url}/sign-in/backchannel-logout/${provider}`, {
    method: 'POST',
    body: new URLSearchParams({ logout_token: token }),
  })

const isLive = async (accessToken: string) =>
  codes(await service.send(Me, {}, { token: accessToken })).length === 0

test('signing out at the provider ends its session here, and no other, on record', async () => {
  const ada = someone()
  const [phone, laptop] = [await session(ada, randomUUID()), await session(ada, 'laptop')]
  const response = await announce(await fake.logoutToken({ sub: ada.sub, sid: 'laptop' }))
  expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store'])
  expect([await isLive(phone.accessToken), await isLive(laptop.accessToken)]).toEqual([true, false])
  const events = await auditOf(service, ada.email ? laptop.id : '')
  expect(events.filter(({ action }) => action === 'session.revoked')).toMatchObject([
    { detail: { because: 'signed out at the provider', provider: 'sure' } },
  ])
})

test('an announcement about the person ends every session of the identity, but none that a password started', async () => {
  const ada = someone()
  const sessions = [await session(ada, 'a'), await session(ada, 'b')]
  const other = await session(someone(), 'c')
  const withPassword = await signUp(service)
  expect((await announce(await fake.logoutToken({ sub: ada.sub }))).status).toBe(200)
  for (const { accessToken } of sessions) expect(await isLive(accessToken)).toBe(false)
  expect(await isLive(other.accessToken)).toBe(true)
  expect(await isLive(withPassword.accessToken)).toBe(true)
})

test('the session alone is enough to name it', async () => {
  const sid = randomUUID()
  const ada = await session(someone(), sid)
  await announce(await fake.logoutToken({ sub: undefined, sid }))
  expect(await isLive(ada.accessToken)).toBe(false)
})

test('an announcement that is sent again does not end a session that started since', async () => {
  const ada = someone()
  await session(ada, 'x')
  const token = await fake.logoutToken({ sub: ada.sub, exp: Math.floor(Date.now() / 1000) + 3600 })
  await announce(token)
  service.clock.advance(120)
  const later = await session(ada, 'y')
  expect((await announce(token)).status).toBe(200)
  expect(await isLive(later.accessToken)).toBe(true)
  service.clock.advance(-120)
})

test('announcing what has ended, or what no one knows, is fine', async () => {
  for (let time = 0; time < 2; time++) {
    const token = await fake.logoutToken({ sub: 'no one', sid: 'nothing' })
    expect((await announce(token)).status).toBe(200)
  }
})

test.each<[attack: string, token: () => Promise<string>]>([
  ['an ID token', () => fake.idToken()],
  ['a token for another client', () => fake.logoutToken({ aud: 'other' })],
  ['a token of another issuer', () => fake.logoutToken({ iss: 'https://evil.example' })],
  ['text', async () => 'x'],
])('%s ends nothing and is on record', async (_attack, token) => {
  const since = service.clock.now()
  const ada = await session(someone(), 'z')
  const response = await announce(await token())
  expect([response.status, await response.json()]).toEqual([400, { error: 'invalid_request' }])
  expect(await isLive(ada.accessToken)).toBe(true)
  const denied = { action: 'session.denied', at: { gte: since } }
  expect(await service.app.db.auditEvent.count({ where: denied })).toBe(1)
  service.logged.length = 0
})

test('another provider’s address does not accept the announcement', async () => {
  expect((await announce(await fake.logoutToken(), 'nowhere')).status).toBe(404)
  expect((await fetch(`${service.url}/sign-in/backchannel-logout/sure`, { method: 'POST' })).status).toBe(400)
})

test('forms are not read elsewhere', async () => {
  const response = await fetch(`${service.url}/graphql`, {
    method: 'POST',
    body: new URLSearchParams({ query: '{ __typename }' }),
  })
  expect(response.status).toBe(415)
})

const RETURN_TO = 'http://localhost:4000/sign-in'
const urlFor = (token: string | undefined, returnTo = RETURN_TO) =>
  service.send(ProviderLogoutUrl, { returnTo }, { token })

test('a session that a provider started has the address to sign out there, without a token in it', async () => {
  const { accessToken } = await session(someone(), 's')
  const url = new URL((await urlFor(accessToken)).data?.providerLogoutUrl ?? '')
  expect(url.origin + url.pathname).toBe(`${fake.origin}/logout`)
  expect(Object.fromEntries(url.searchParams)).toEqual({
    client_id: 'authograph',
    post_logout_redirect_uri: RETURN_TO,
  })
})

test('a session that a password started has none', async () => {
  const { accessToken } = await signUp(service)
  expect((await urlFor(accessToken)).data).toEqual({ providerLogoutUrl: null })
})

test('the address to return to must be allowed, and the caller signed in', async () => {
  const { accessToken } = await session(someone(), 's')
  for (const address of [
    '//evil',
    'https://evil.example',
    'https://localhost:4000@evil',
    'javascript:alert(1)',
  ]) {
    const { errors } = await urlFor(accessToken, address)
    expect(errors).toMatchObject([
      { extensions: { code: 'BAD_USER_INPUT', fields: { returnTo: [expect.any(String)] } } },
    ])
  }
  expect(codes(await urlFor(undefined))).toEqual(['UNAUTHENTICATED'])
})
