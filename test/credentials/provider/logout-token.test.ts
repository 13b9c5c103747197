import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { verifyLogoutToken } from '../../../src/credentials/provider/logout-token.ts'
import { ADA, type FakeClaims, type FakeProvider, startFakeProvider } from '../../support/fake-provider.ts'
import { protocolApp, refusalOf } from '../../support/provider-app.ts'

let fake: FakeProvider
beforeAll(async () => {
  fake = await startFakeProvider()
})
afterAll(() => fake.stop())

async function verify(token: string) {
  const { app, provider } = protocolApp(fake.settings())
  return verifyLogoutToken(app, provider, token)
}

test('an announcement names the person, the session, or both', async () => {
  expect(await verify(await fake.logoutToken({ sid: 's1' }))).toMatchObject({
    issuer: fake.issuer,
    subject: ADA.sub,
    sid: 's1',
    jti: expect.any(String),
  })
  expect(await verify(await fake.logoutToken({ sub: undefined, sid: 's1' }))).toMatchObject({
    subject: null,
    sid: 's1',
  })
  expect(await verify(await fake.logoutToken())).toMatchObject({ subject: ADA.sub, sid: null })
})

test('the type in the header may be missing or JWT, as older providers send it', async () => {
  for (const typ of ['JWT', 'application/logout+jwt']) {
    await expect(verify(await fake.logoutToken({}, { typ }))).resolves.toBeDefined()
  }
})

test('an ID token ends nothing', async () => {
  expect(await refusalOf(verify(await fake.idToken()))).toBe('PROVIDER_FAILED: logout token')
})

test.each<[attack: string, claims: FakeClaims]>([
  ['with a nonce', { nonce: 'n' }],
  ['without the event', { events: {} }],
  ['with an event that is text', { events: { 'http://schemas.openid.net/event/backchannel-logout': 'yes' } }],
  ['without an ID', { jti: undefined }],
  ['about no one', { sub: undefined }],
  ['for another client', { aud: 'other' }],
  ['of another issuer', { iss: 'https://evil.example' }],
  ['that has expired', { exp: Math.floor(Date.now() / 1000) - 120 }],
  ['without an expiry', { exp: undefined }],
  ['from the future', { iat: Math.floor(Date.now() / 1000) + 600 }],
])('an announcement %s is refused', async (_attack, claims) => {
  expect(await refusalOf(verify(await fake.logoutToken(claims)))).toMatch(
    /^PROVIDER_FAILED: (claim|logout token)/,
  )
})

test('an announcement of another key is refused', async () => {
  const other = await startFakeProvider()
  try {
    const forged = await other.logoutToken({ iss: fake.issuer }, { kid: fake.key.public.kid ?? '' })
    expect(await refusalOf(verify(forged))).toBe('PROVIDER_FAILED: signature')
  } finally {
    await other.stop()
  }
})
