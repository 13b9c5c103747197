import { createHash, generateKeyPairSync } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { generateKeyPair, SignJWT, UnsecuredJWT } from 'jose'
import { verifyIdToken } from '../../../src/credentials/provider/id-token.ts'
import { createNonce, readNonce } from '../../../src/credentials/provider/nonce.ts'
import type { ProviderSettings } from '../../../src/credentials/provider/provider.ts'
import { ADA, type FakeClaims, type FakeProvider, startFakeProvider } from '../../support/fake-provider.ts'
import { refusalOf } from '../../support/provider-app.ts'
import { startApp } from '../../support/service.ts'

const KEY = generateKeyPairSync('ec', {
  namedCurve: 'prime256v1',
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
}).privateKey

let fake: FakeProvider
let opened: Awaited<ReturnType<typeof startApp>>

beforeAll(async () => {
  fake = await startFakeProvider()
  fake.clientIds.add('com.example.app')
  opened = await startApp({
    ...fake.settings('corp'),
    ...fake.settings('lax'),
    PROVIDERS: 'corp,lax,kakao,facebook,apple,github',
    PROVIDER_CORP_NATIVE_CLIENT_IDS: 'com.example.app,com.example.android',
    PROVIDER_CORP_EMAIL: 'verified',
    PROVIDER_LAX_NONCE: 'optional',
    PROVIDER_KAKAO_ISSUER: fake.issuer,
    PROVIDER_KAKAO_CLIENT_ID: 'authograph',
    PROVIDER_FACEBOOK_ISSUER: fake.issuer,
    PROVIDER_FACEBOOK_CLIENT_ID: 'authograph',
    PROVIDER_FACEBOOK_CLIENT_SECRET: 'x',
    PROVIDER_GITHUB_ISSUER: fake.issuer,
    PROVIDER_GITHUB_CLIENT_ID: 'authograph',
    PROVIDER_GITHUB_CLIENT_SECRET: 'x',
    PROVIDER_APPLE_ISSUER: fake.issuer,
    PROVIDER_APPLE_CLIENT_ID: 'authograph',
    PROVIDER_APPLE_NATIVE_CLIENT_IDS: 'com.example.app',
    PROVIDER_APPLE_TEAM_ID: 'ABCDE12345',
    PROVIDER_APPLE_KEY_ID: 'KEY1234567',
    PROVIDER_APPLE_PRIVATE_KEY: KEY,
  })
})
afterAll(async () => {
  await opened.close()
  await fake.stop()
})
afterEach(() => {
  fake.bend = {}
  fake.requests.length = 0
})

function provider(id: string): ProviderSettings {
  const found = opened.app.config.providers.find(one => one.id === id)
  if (!found) throw new Error(`no provider ${id}`)
  return found
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

/** Signs in with a token that the app got with a new nonce. */
async function withNonce(id: string, more: FakeClaims = {}, claim = (nonce: string): unknown => nonce) {
  const { nonce } = createNonce(opened.app)
  const idToken = await fake.idToken(ADA, { nonce: claim(nonce), ...more })
  return verifyIdToken(opened.app, provider(id), { idToken, nonce })
}

test('a token with the nonce proves the person', async () => {
  expect(await withNonce('corp')).toEqual({
    provider: 'corp',
    issuer: fake.issuer,
    subject: ADA.sub,
    email: 'ada@example.com',
    emailTrust: 'verified',
    displayName: 'Ada',
    sid: null,
    tokens: null,
    authTime: null,
  })
})

test('a token with the hash of the nonce proves the person, as Apple’s SDK and others send it', async () => {
  expect(await withNonce('corp', {}, sha256)).toMatchObject({ subject: ADA.sub })
})

test.each(['com.example.app', 'com.example.android', 'authograph'])(
  'a token for %s is accepted',
  async aud => {
    expect(await withNonce('corp', { aud })).toMatchObject({ subject: ADA.sub })
  },
)

test('a token for the server that an app was issued is accepted, as Google’s SDK for Android gives it', async () => {
  expect(await withNonce('corp', { azp: 'com.example.android' })).toMatchObject({ subject: ADA.sub })
})

const seconds = (offset: number) => Math.floor(Date.now() / 1000) + offset

test.each<[attack: string, claims: FakeClaims, check: string]>([
  ['for another app', { aud: 'com.evil.app' }, 'claim aud'],
  ['issued to another app', { azp: 'com.evil.app' }, 'claim azp'],
  ['for several clients, issued to none of them', { aud: ['authograph', 'com.evil.app'] }, 'claim azp'],
  ['of another issuer', { iss: 'https://evil.example' }, 'claim iss'],
  ['that has expired', { exp: seconds(-120) }, 'claim exp'],
  ['from the future', { iat: seconds(600) }, 'claim iat'],
  ['without a nonce', { nonce: undefined }, 'claim nonce'],
  ['with another nonce', { nonce: 'another' }, 'claim nonce'],
  ['without a subject', { sub: undefined }, 'claim sub'],
])('a token %s proves nothing', async (_attack, claims, check) => {
  expect(await refusalOf(withNonce('corp', claims))).toBe(`INVALID_CREDENTIALS: ${check}`)
})

describe('a token whose signature proves nothing is refused:', () => {
  test.each<[attack: string, forge: (claims: FakeClaims) => Promise<string> | string]>([
    ['alg none', claims => new UnsecuredJWT(claims).encode()],
    [
      'HS256 with the client secret',
      claims => new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(fake.clientSecret)),
    ],
    [
      'a foreign key',
      async claims =>
        new SignJWT(claims)
          .setProtectedHeader({ alg: 'RS256', kid: fake.key.public.kid ?? '' })
          .sign((await generateKeyPair('RS256')).privateKey),
    ],
    ['no token', () => 'x'],
    ['an empty text', () => ''],
    ['a very long text', () => 'a.'.repeat(100_000)],
    ['an access token of the provider', claims => fake.sign(claims, { typ: 'at+jwt' })],
    ['a logout token of the provider', claims => fake.sign(claims, { typ: 'logout+jwt' })],
  ])('%s', async (_attack, forge) => {
    const { nonce } = createNonce(opened.app)
    const idToken = await forge(fake.claims(ADA, { nonce }))
    const attempt = verifyIdToken(opened.app, provider('corp'), { idToken, nonce })
    expect(await refusalOf(attempt)).toMatch(/^INVALID_CREDENTIALS: (algorithm|signature|malformed token)$/)
  })
})

test('a token of a provider without ID tokens is refused', async () => {
  expect(await refusalOf(withNonce('github'))).toBe('INVALID_CREDENTIALS: missing ID token')
})

test('a nonce is used once, also 20 times in parallel', async () => {
  const { nonce } = createNonce(opened.app)
  const idToken = await fake.idToken(ADA, { nonce })
  const attempts = await Promise.allSettled(
    Array.from({ length: 20 }, () => verifyIdToken(opened.app, provider('corp'), { idToken, nonce })),
  )
  expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  const again = verifyIdToken(opened.app, provider('corp'), { idToken, nonce })
  expect(await refusalOf(again)).toBe('TOKEN_INVALID')
})

test('a refused token does not use up the nonce', async () => {
  const { nonce } = createNonce(opened.app)
  const bad = await fake.idToken(ADA, { nonce, aud: 'com.evil.app' })
  await refusalOf(verifyIdToken(opened.app, provider('corp'), { idToken: bad, nonce }))
  const idToken = await fake.idToken(ADA, { nonce })
  await expect(verifyIdToken(opened.app, provider('corp'), { idToken, nonce })).resolves.toBeDefined()
})

test('the database has no nonce that could be used again', async () => {
  const { nonce } = createNonce(opened.app)
  const idToken = await fake.idToken(ADA, { nonce })
  await verifyIdToken(opened.app, provider('corp'), { idToken, nonce })
  const stored = JSON.stringify(await opened.app.db.usedNonce.findMany())
  expect(stored).not.toContain(nonce)
})

describe('a nonce', () => {
  test('expires after 10 minutes', async () => {
    const { nonce, expiresAt } = createNonce(opened.app)
    expect(expiresAt.getTime() - opened.clock.now().getTime()).toBeLessThanOrEqual(600_000)
    const idToken = await fake.idToken(ADA, { nonce })
    opened.clock.advance(601)
    try {
      const late = verifyIdToken(opened.app, provider('corp'), { idToken, nonce })
      expect(await refusalOf(late)).toBe('TOKEN_INVALID')
    } finally {
      opened.clock.advance(-601)
    }
  })

  test('cannot be made by anyone else, changed, or spelled in another way', () => {
    const { nonce } = createNonce(opened.app)
    expect(readNonce(opened.app, nonce)).toBeInstanceOf(Date)
    for (let at = 0; at < nonce.length; at++) {
      for (const letter of 'AZaz09-_') {
        const changed = nonce.slice(0, at) + letter + nonce.slice(at + 1)
        if (changed !== nonce) expect(readNonce(opened.app, changed)).toBeUndefined()
      }
    }
    for (const other of ['', `${nonce}=`, `${nonce} `, nonce.slice(1), `${nonce}A`, 'é'.repeat(51)]) {
      expect(readNonce(opened.app, other)).toBeUndefined()
    }
  })

  test('stores nothing when it is asked for', async () => {
    const before = await opened.app.db.usedNonce.count()
    for (let i = 0; i < 20; i++) createNonce(opened.app)
    expect(await opened.app.db.usedNonce.count()).toBe(before)
  })
})

describe('with NONCE=optional', () => {
  const lax = (idToken: string) => verifyIdToken(opened.app, provider('lax'), { idToken })

  test('a fresh token without a nonce of this server counts once', async () => {
    const idToken = await fake.idToken(ADA, { nonce: 'invented-by-the-sdk' })
    expect(await lax(idToken)).toMatchObject({ subject: ADA.sub })
    expect(await refusalOf(lax(idToken))).toBe('TOKEN_INVALID')
  })

  test('another signature of the same content counts as the same token', async () => {
    const claims = fake.claims(ADA, { jti: 'one' })
    const idToken = await fake.sign(claims)
    await lax(idToken)
    expect(await refusalOf(lax(`${idToken}=`))).toMatch(/^(TOKEN_INVALID|INVALID_CREDENTIALS: .+)$/)
  })

  test('a token older than 5 minutes proves nothing', async () => {
    const idToken = await fake.idToken(ADA, { iat: seconds(-301) })
    expect(await refusalOf(lax(idToken))).toBe('INVALID_CREDENTIALS: claim iat')
  })

  test('a nonce that is given must match', async () => {
    const { nonce } = createNonce(opened.app)
    const idToken = await fake.idToken(ADA, { nonce: 'another' })
    const attempt = verifyIdToken(opened.app, provider('lax'), { idToken, nonce })
    expect(await refusalOf(attempt)).toBe('INVALID_CREDENTIALS: claim nonce')
  })
})

test('the same token without a nonce is refused where one is required', async () => {
  const idToken = await fake.idToken(ADA)
  const attempt = verifyIdToken(opened.app, provider('corp'), { idToken })
  expect(await refusalOf(attempt)).toBe('INVALID_CREDENTIALS: claim nonce')
})

test('an address in Kakao’s ID token is not relied on, because only its API says whether it is valid', async () => {
  expect(await withNonce('kakao', { email_verified: true })).toMatchObject({
    email: 'ada@example.com',
    emailTrust: 'never',
  })
})

test('Facebook’s ID tokens of Limited Login prove the same subject as its API', async () => {
  expect(await withNonce('facebook')).toMatchObject({
    issuer: fake.issuer,
    subject: ADA.sub,
    emailTrust: 'never',
  })
})

describe('Apple’s apps', () => {
  const person = { sub: 'apple-ada' }
  const code = (sub = person.sub) =>
    fake.issueCode({
      clientId: 'com.example.app',
      redirectUri: '',
      challenge: null,
      nonce: null,
      person: { sub },
      native: true,
    })

  async function signIn(authorizationCode: string, displayName?: string) {
    const { nonce } = createNonce(opened.app)
    const idToken = await fake.idToken(person, { nonce: sha256(nonce), aud: 'com.example.app' })
    const proof = { idToken, nonce, authorizationCode, displayName }
    return verifyIdToken(opened.app, provider('apple'), proof)
  }

  test('get tokens that can be revoked, in the name of the app, and the name that only the app knows', async () => {
    fake.bend.tokens = tokens => ({ ...tokens, refresh_token: 'to-revoke' })
    expect(await signIn(code(), 'Ada Lovelace')).toMatchObject({
      displayName: 'Ada Lovelace',
      tokens: { clientId: 'com.example.app', refreshToken: 'to-revoke' },
    })
  })

  test('sign in although the code is refused, which is logged without it', async () => {
    const refused = 'a-code-that-apple-never-issued'
    expect(await signIn(refused)).toMatchObject({ subject: 'apple-ada', tokens: null })
    expect(opened.logged.join()).toContain('invalid_grant')
    expect(opened.logged.join()).not.toContain(refused)
  })

  test('get no tokens for another person’s code', async () => {
    expect(await signIn(code('someone-else'))).toMatchObject({ subject: 'apple-ada', tokens: null })
  })
})
