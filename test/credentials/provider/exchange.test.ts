import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import {
  type CryptoKey,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  importJWK,
  SignJWT,
  UnsecuredJWT,
} from 'jose'
import { authorizationUrl } from '../../../src/credentials/provider/authorize.ts'
import { exchangeCode } from '../../../src/credentials/provider/exchange.ts'
import { redirectUriOf } from '../../../src/credentials/provider/provider.ts'
import {
  ADA,
  type Bend,
  type FakeClaims,
  type FakeProvider,
  startFakeProvider,
} from '../../support/fake-provider.ts'
import { FLOW, protocolApp, refusalOf, signInAt } from '../../support/provider-app.ts'

let fake: FakeProvider

beforeAll(async () => {
  fake = await startFakeProvider()
})
afterAll(() => fake.stop())
afterEach(() => {
  fake.bend = {}
  fake.requests.length = 0
})

const corp = () => protocolApp(fake.settings())

test('a correct sign-in proves issuer and subject, and the address of an unknown provider is not relied on', async () => {
  expect(await signInAt(corp(), fake)).toEqual({
    provider: 'corp',
    issuer: fake.issuer,
    subject: ADA.sub,
    email: 'ada@example.com',
    emailTrust: 'never',
    displayName: 'Ada',
    sid: null,
    tokens: null,
    authTime: null,
  })
})

/** Makes the provider announce an algorithm, and sign with a key of it whose public half it publishes as this. */
async function signWith(alg: string, published: (jwk: object) => object = jwk => jwk) {
  const { privateKey, publicKey } = await generateKeyPair(alg)
  const jwk = { ...(await exportJWK(publicKey)), kid: 'its-own', alg, use: 'sig' }
  fake.bend = {
    metadata: metadata => ({ ...metadata, id_token_signing_alg_values_supported: [alg] }),
    keySet: () => ({ keys: [published(jwk)] }),
    sign: claims => new SignJWT(claims).setProtectedHeader({ alg, kid: 'its-own' }).sign(privateKey),
  }
}

test.each(['PS256', 'ES256', 'ES384', 'ES512', 'EdDSA'])(
  'a provider that announces %s is believed with it, and not if another key has signed',
  async alg => {
    await signWith(alg)
    expect(await signInAt(corp(), fake)).toMatchObject({ subject: ADA.sub })
    const { publicKey } = await generateKeyPair(alg)
    const other = await exportJWK(publicKey)
    await signWith(alg, jwk => ({ ...jwk, ...other }))
    expect(await refusalOf(signInAt(corp(), fake))).toBe('PROVIDER_FAILED: signature')
  },
)

test('the authorization request has a state, a nonce and an S256 challenge, and no secret', async () => {
  const { app, provider } = corp()
  const url = await authorizationUrl(app, provider, { ...FLOW, redirectUri: redirectUriOf(app, provider) })
  expect(url.origin).toBe(fake.origin)
  expect(Object.fromEntries(url.searchParams)).toEqual({
    response_type: 'code',
    client_id: 'authograph',
    redirect_uri: 'http://localhost:4000/sign-in/callback/corp',
    scope: 'openid email profile',
    state: FLOW.state,
    nonce: FLOW.nonce,
    code_challenge: expect.stringMatching(/^[\w-]{43}$/),
    code_challenge_method: 'S256',
  })
  expect(url.href).not.toContain(FLOW.verifier)
})

test('the session and the time of the sign-in at the provider are passed on', async () => {
  fake.bend.claims = claims => ({ ...claims, sid: 'session-1', auth_time: 1_700_000_000 })
  expect(await signInAt(corp(), fake)).toMatchObject({
    sid: 'session-1',
    authTime: new Date(1_700_000_000_000),
  })
})

test('the provider’s tokens are handed on only if the settings keep them', async () => {
  fake.bend.tokens = tokens => ({ ...tokens, refresh_token: 'r', scope: 'openid email' })
  const app = protocolApp({ ...fake.settings(), PROVIDER_CORP_KEEP_TOKENS: 'on' })
  const { tokens } = await signInAt(app, fake)
  expect(tokens).toEqual({
    clientId: 'authograph',
    accessToken: expect.any(String),
    refreshToken: 'r',
    expiresAt: expect.any(Date),
    scopes: ['openid', 'email'],
  })
})

test('a token for several clients is accepted if it was issued to this one', async () => {
  fake.bend.claims = claims => ({ ...claims, aud: ['other', 'authograph'], azp: 'authograph' })
  expect(await signInAt(corp(), fake)).toMatchObject({ subject: ADA.sub })
})

const MINUTE = 60

/** Attacks on the ID token, and the check that must refuse each. */
const FORGED_CLAIMS: [attack: string, bend: (claims: FakeClaims) => FakeClaims, check: string][] = [
  ['another issuer', claims => ({ ...claims, iss: 'https://evil.example' }), 'claim iss'],
  ['the issuer with a slash at its end', claims => ({ ...claims, iss: `${claims.iss}/` }), 'claim iss'],
  ['no issuer', ({ iss: _, ...claims }) => claims, 'claim iss'],
  ['a nonce of another flow', claims => ({ ...claims, nonce: 'another' }), 'claim nonce'],
  ['no nonce', ({ nonce: _, ...claims }) => claims, 'claim nonce'],
  ['an expiry in the past', claims => ({ ...claims, exp: Date.now() / 1000 - 2 * MINUTE }), 'claim exp'],
  ['no expiry', ({ exp: _, ...claims }) => claims, 'claim exp'],
  [
    'an issue time in the future',
    claims => ({ ...claims, iat: Date.now() / 1000 + 10 * MINUTE }),
    'claim iat',
  ],
  ['no issue time', ({ iat: _, ...claims }) => claims, 'claim iat'],
  ['another audience', claims => ({ ...claims, aud: 'another-client' }), 'claim aud'],
  ['an empty audience', claims => ({ ...claims, aud: [] }), 'claim aud'],
  ['several audiences without azp', claims => ({ ...claims, aud: ['authograph', 'other'] }), 'claim aud'],
  [
    'several audiences, issued to another',
    claims => ({ ...claims, aud: ['authograph', 'other'], azp: 'other' }),
    'claim azp',
  ],
  ['our audience, issued to another', claims => ({ ...claims, azp: 'other' }), 'claim azp'],
  ['no subject', ({ sub: _, ...claims }) => claims, 'claim sub'],
  ['an empty subject', claims => ({ ...claims, sub: '' }), 'claim sub'],
  ['a subject that is a number', claims => ({ ...claims, sub: 7 }), 'claim sub'],
  ['a subject with a NUL', claims => ({ ...claims, sub: 'a\0b' }), 'claim sub'],
  ['a subject of 300 characters', claims => ({ ...claims, sub: 'a'.repeat(300) }), 'claim sub'],
]

test.each(FORGED_CLAIMS)('an ID token with %s is refused', async (_attack, claims, check) => {
  fake.bend.claims = claims
  expect(await refusalOf(signInAt(corp(), fake))).toBe(`PROVIDER_FAILED: ${check}`)
})

const foreign = await generateKeyPair('RS256', { extractable: true })
const foreignJwk = { ...(await exportJWK(foreign.publicKey)), kid: 'foreign' }
const byForeignKey = (header: Record<string, unknown>) => (claims: FakeClaims) =>
  new SignJWT(claims).setProtectedHeader({ alg: 'RS256', ...header }).sign(foreign.privateKey)

/** HS256 with the text of the public key as the secret: a confusion of the two kinds of algorithm. */
async function byPublicKey(claims: FakeClaims): Promise<string> {
  const spki = await exportSPKI((await importJWK(fake.key.public, 'RS256')) as CryptoKey)
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', kid: fake.key.public.kid ?? '' })
    .sign(Buffer.from(spki))
}

async function withTamperedPayload(claims: FakeClaims): Promise<string> {
  const [header, , signature] = (await fake.sign(claims)).split('.')
  const payload = Buffer.from(JSON.stringify({ ...claims, sub: 'victim' })).toString('base64url')
  return [header, payload, signature].join('.')
}

const announcing =
  (...algorithms: string[]): Bend['metadata'] =>
  metadata => ({
    ...metadata,
    id_token_signing_alg_values_supported: algorithms,
  })

const FORGED_SIGNATURES: [attack: string, bend: () => Bend, check: string][] = [
  ['alg none', () => ({ sign: claims => new UnsecuredJWT(claims).encode() }), 'algorithm'],
  [
    'alg none, which the provider announces',
    () => ({ sign: claims => new UnsecuredJWT(claims).encode(), metadata: announcing('none', 'RS256') }),
    'algorithm',
  ],
  ['HS256 and the public key as its secret', () => ({ sign: byPublicKey }), 'algorithm'],
  [
    'HS256 and the public key, which the provider announces',
    () => ({ sign: byPublicKey, metadata: announcing('HS256', 'RS256') }),
    'algorithm',
  ],
  [
    'HS256 and the client secret, which the provider announces',
    () => ({
      sign: claims =>
        new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(fake.clientSecret)),
      metadata: announcing('HS256'),
    }),
    'algorithm',
  ],
  ['a key that the provider does not have', () => ({ sign: byForeignKey({ kid: 'foreign' }) }), 'signature'],
  [
    'the name of the provider’s key, but another key',
    () => ({ sign: byForeignKey({ kid: fake.key.public.kid }) }),
    'signature',
  ],
  [
    'a key in its own header',
    () => ({ sign: byForeignKey({ jwk: foreignJwk, kid: 'foreign' }) }),
    'signature',
  ],
  ['a tampered payload', () => ({ sign: withTamperedPayload }), 'signature'],
  [
    'no signature',
    () => ({ sign: async claims => (await fake.sign(claims)).replace(/[^.]+$/, '') }),
    'signature',
  ],
  [
    'an unknown critical header',
    () => ({ sign: claims => fake.sign(claims, { crit: ['b64'], b64: true }) }),
    'malformed token',
  ],
  ['a form that is none', () => ({ sign: () => 'not.a-token' }), 'malformed token'],
  ['no ID token at all', () => ({ tokens: ({ id_token: _, ...tokens }) => tokens }), 'missing ID token'],
]

test.each(FORGED_SIGNATURES)('an ID token with %s is refused', async (_attack, bend, check) => {
  fake.bend = bend()
  expect(await refusalOf(signInAt(corp(), fake))).toBe(`PROVIDER_FAILED: ${check}`)
})

test.each(['jku', 'x5u'])('the address of a key in a token’s header (%s) is never fetched', async name => {
  fake.bend.sign = byForeignKey({ [name]: `${fake.origin}/attacker-jwks`, kid: 'foreign' })
  expect(await refusalOf(signInAt(corp(), fake))).toBe('PROVIDER_FAILED: signature')
  expect(fake.requests.map(({ path }) => path)).not.toContain('/attacker-jwks')
})

const FORGED_CALLBACKS: [attack: string, callback: (params: URLSearchParams) => void, check: string][] = [
  ['the state of another flow', params => params.set('state', 'another'), 'state'],
  ['no state', params => params.delete('state'), 'state'],
  ['two states', params => params.append('state', FLOW.state), 'state'],
  ['another issuer', params => params.set('iss', 'https://evil.example'), 'issuer of the response'],
  ['no issuer, though the provider announces it', params => params.delete('iss'), 'issuer of the response'],
]

test.each(FORGED_CALLBACKS)(
  'a callback with %s is refused before its code is used',
  async (_attack, callback, check) => {
    fake.bend.callback = callback
    expect(await refusalOf(signInAt(corp(), fake))).toBe(`PROVIDER_FAILED: ${check}`)
    expect(fake.exchanges).toBe(0)
  },
)

test('a code of one provider at the callback of another is refused before it is used', async () => {
  const evil = await startFakeProvider()
  try {
    const { app, provider } = corp()
    const redirectUri = redirectUriOf(app, provider)
    const url = await authorizationUrl(app, provider, { ...FLOW, redirectUri })
    const back = evil.authorize(url)
    const attempt = exchangeCode(app, provider, back.searchParams, { ...FLOW, redirectUri })
    expect(await refusalOf(attempt)).toBe('PROVIDER_FAILED: issuer of the response')
    expect(fake.exchanges + evil.exchanges).toBe(0)
  } finally {
    await evil.stop()
  }
})

test('a code that was started with another verifier cannot be injected', async () => {
  const { app, provider } = corp()
  const redirectUri = redirectUriOf(app, provider)
  const url = await authorizationUrl(app, provider, { ...FLOW, redirectUri })
  const stolen = fake.authorize(url)
  const attempt = exchangeCode(app, provider, stolen.searchParams, {
    ...FLOW,
    verifier: 'the-verifier-of-another-flow-with-43-characters',
    redirectUri,
  })
  expect(await refusalOf(attempt)).toBe('PROVIDER_FAILED: token endpoint')
})

test('a code is used once', async () => {
  const { app, provider } = corp()
  const redirectUri = redirectUriOf(app, provider)
  const back = fake.authorize(await authorizationUrl(app, provider, { ...FLOW, redirectUri }))
  await exchangeCode(app, provider, back.searchParams, { ...FLOW, redirectUri })
  const again = exchangeCode(app, provider, back.searchParams, { ...FLOW, redirectUri })
  expect(await refusalOf(again)).toBe('PROVIDER_FAILED: token endpoint')
})

test.each(['access_denied', 'ACCESS_DENIED', 'user_cancelled_authorize'])(
  '%s is a refusal, not a failure',
  async error => {
    fake.bend.callback = params => {
      params.delete('code')
      params.set('error', error)
    }
    expect(await refusalOf(signInAt(corp(), fake))).toBe('PROVIDER_DENIED: authorization response')
  },
)

test('a refusal without the state of the flow is a failure', async () => {
  fake.bend.callback = params => {
    params.delete('state')
    params.set('error', 'access_denied')
  }
  expect(await refusalOf(signInAt(corp(), fake))).toBe('PROVIDER_FAILED: state')
})

test('any other error of the provider is a failure', async () => {
  fake.bend.callback = params => params.set('error', 'server_error')
  expect(await refusalOf(signInAt(corp(), fake))).toBe('PROVIDER_FAILED: authorization response')
})

const withoutProfile = ({ email: _email, email_verified: _verified, name: _name, ...claims }: FakeClaims) =>
  claims

test('an address and a name that only the user info has are read there', async () => {
  fake.bend.claims = withoutProfile
  const app = protocolApp({ ...fake.settings(), PROVIDER_CORP_EMAIL: 'verified' })
  expect(await signInAt(app, fake)).toMatchObject({
    email: 'ada@example.com',
    emailTrust: 'verified',
    displayName: 'Ada',
  })
})

test('user info about another person is refused', async () => {
  fake.bend = { claims: withoutProfile, userInfo: info => ({ ...info, sub: 'mallory' }) }
  expect(await refusalOf(signInAt(corp(), fake))).toBe('PROVIDER_FAILED: user info')
})

test('an address in the ID token is never mixed with the verification of another in the user info', async () => {
  fake.bend = {
    claims: ({ email_verified: _, name: _name, ...claims }) => ({ ...claims, email: 'victim@example.com' }),
    userInfo: info => ({ ...info, email: 'mallory@example.com', email_verified: true }),
  }
  const profile = await signInAt(corp(), fake)
  expect(profile).toMatchObject({ email: 'victim@example.com', emailTrust: 'never' })
})

test('an address that the provider calls unverified is not relied on, whatever the settings say', async () => {
  const app = protocolApp({ ...fake.settings(), PROVIDER_CORP_EMAIL: 'authoritative' })
  const profile = await signInAt(app, fake, { ...ADA, email_verified: false })
  expect(profile).toMatchObject({ email: 'ada@example.com', emailTrust: 'never' })
})

test.each(['not an address', 'ada@localhost', 'a@b.com\r\nBcc: x@y.com', 7, null])(
  '%j is not taken for an address',
  async email => {
    const app = protocolApp({ ...fake.settings(), PROVIDER_CORP_EMAIL: 'authoritative' })
    expect(await signInAt(app, fake, { ...ADA, email })).toMatchObject({ email: null, emailTrust: 'never' })
  },
)

test.each([
  'ﬁona@example.com',
  'ａda@example.com',
  '\u212Aate@example.com',
  'ada@ｅxample.com',
  ' ada@example.com',
])(
  '%j is not relied on, because it could be another mailbox than the one it would become here',
  async email => {
    const app = protocolApp({ ...fake.settings(), PROVIDER_CORP_EMAIL: 'authoritative' })
    expect(await signInAt(app, fake, { ...ADA, email })).toMatchObject({ emailTrust: 'never' })
  },
)

test('an address in capital letters is relied on, as emails to it arrive', async () => {
  const app = protocolApp({ ...fake.settings(), PROVIDER_CORP_EMAIL: 'authoritative' })
  const profile = await signInAt(app, fake, { ...ADA, email: 'ADA@Example.COM' })
  expect(profile.emailTrust).toBe('authoritative')
})

test('a name is one line of at most 100 characters', async () => {
  const profile = await signInAt(corp(), fake, { ...ADA, name: `  Ada\u202e\n\0${'x'.repeat(500)}` })
  expect(profile.displayName).toMatch(/^Ada x+$/)
  expect(profile.displayName).toHaveLength(100)
})

test('no failure carries a token, a claim or the person’s address', async () => {
  fake.bend.claims = claims => ({ ...claims, iss: 'https://evil.example' })
  const { app, provider } = corp()
  const error = (await signInAt({ ...corp(), app, provider }, fake).catch(
    (reason: unknown) => reason,
  )) as Error
  const shown = JSON.stringify([error, Object.entries(error.cause as object), String(error.cause)])
  for (const secret of [ADA.sub, ADA.email, 'eyJ', fake.clientSecret]) expect(shown).not.toContain(secret)
})
