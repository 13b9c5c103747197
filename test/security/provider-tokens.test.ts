import { createHmac, createPublicKey, generateKeyPairSync, type JsonWebKey } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, describe, expect, test } from '@jest/globals'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { TestClock } from '../support/clock.ts'
import { type Bend, type FakeClaims, startFakeProvider } from '../support/fake-provider.ts'
import { auditDuring, expectRefused } from '../support/provider-attack.ts'
import { begin, comeBack, newPerson, resultOf } from '../support/provider-browser.ts'
import { useService } from '../support/service.ts'

const clock = new TestClock()
/** A provider that follows the rules until a test bends it. */
const corp = await startFakeProvider({ clock })
/** One that announces every algorithm, and no `iss` in its callbacks (RFC 9207). */
const lax = await startFakeProvider({ clock })
const metadata: NonNullable<Bend['metadata']> = correct => ({
  ...correct,
  id_token_signing_alg_values_supported: ['none', 'HS256', 'HS512', 'RS256'],
  authorization_response_iss_parameter_supported: false,
})
lax.bend = { metadata }

const service = useService({
  clock,
  settings: {
    ...corp.settings('corp'),
    ...lax.settings('lax'),
    PROVIDERS: 'corp,lax',
    PROVIDER_CORP_EMAIL: 'verified',
    PROVIDER_LAX_EMAIL: 'verified',
  },
})

afterEach(() => {
  corp.bend = {}
  lax.bend = { metadata }
})
afterAll(() => Promise.all([corp.stop(), lax.stop()]))

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const unsigned = (alg: string) => (claims: FakeClaims) => `${part({ alg, typ: 'JWT' })}.${part(claims)}.`
const hmac = (alg: 'HS256' | 'HS512', key: string | Buffer) => (claims: FakeClaims) => {
  const signed = `${part({ alg, kid: corp.key.public.kid })}.${part(claims)}`
  return `${signed}.${createHmac(alg === 'HS256' ? 'sha256' : 'sha512', key)
    .update(signed)
    .digest('base64url')}`
}
const publicPem = (fake: typeof corp) =>
  createPublicKey({ key: fake.key.public as JsonWebKey, format: 'jwk' }).export({
    type: 'spki',
    format: 'pem',
  })

const now = () => Math.floor(clock.now().getTime() / 1000)
const changed = (change: FakeClaims): Bend => ({ claims: correct => ({ ...correct, ...change }) })

test('the provider of these tests signs people in while nothing is bent', async () => {
  const one = newPerson()
  expect(await resultOf(service, corp, one)).toMatchObject({
    __typename: 'AuthPayload',
    user: { email: one.email, emailVerified: true, hasPassword: false },
    session: { strength: 'SINGLE', methods: ['PROVIDER'] },
  })
  expect(await resultOf(service, lax, newPerson(), { provider: 'lax' })).toMatchObject({
    __typename: 'AuthPayload',
  })
})

describe('an ID token is refused, with no session and one audit event:', () => {
  test.each<[string, string, () => Bend]>([
    ['of another issuer', 'claim iss', () => changed({ iss: 'https://evil.example' })],
    ['of an issuer that differs by a slash', 'claim iss', () => changed({ iss: `${corp.issuer}/` })],
    ['without an issuer', 'claim iss', () => changed({ iss: undefined })],
    ['with another nonce', 'claim nonce', () => changed({ nonce: 'another' })],
    ['without the nonce', 'claim nonce', () => changed({ nonce: undefined })],
    ['that has expired', 'claim exp', () => changed({ iat: now() - 7200, exp: now() - 3600 })],
    ['without an expiry', 'claim exp', () => changed({ exp: undefined })],
    ['from the future', 'claim iat', () => changed({ iat: now() + 3600, exp: now() + 7200 })],
    ['for another client', 'claim aud', () => changed({ aud: 'another-client' })],
    [
      'for several clients without azp',
      'claim aud',
      () => changed({ aud: [corp.clientId, 'another-client'] }),
    ],
    ['that another client asked for', 'claim azp', () => changed({ azp: 'another-client' })],
    ['without a subject', 'claim sub', () => changed({ sub: undefined })],
    ['that is not signed', 'algorithm', () => ({ sign: unsigned('none') })],
    ['that is not signed, and says so in other letters', 'algorithm', () => ({ sign: unsigned('nOnE') })],
    ['that claims RS256 without a signature', 'signature', () => ({ sign: unsigned('RS256') })],
    ['signed with HS256 and the public key', 'algorithm', () => ({ sign: hmac('HS256', publicPem(corp)) })],
    [
      'signed with HS256 and the client secret',
      'algorithm',
      () => ({ sign: hmac('HS256', corp.clientSecret) }),
    ],
    [
      'with a changed claim under a signature of the provider',
      'signature',
      () => ({
        sign: async claims => {
          const [header, , signature] = (await corp.sign(claims)).split('.')
          return `${header}.${part({ ...claims, sub: 'victim' })}.${signature}`
        },
      }),
    ],
    ['that is no token', 'malformed token', () => ({ sign: () => 'not.a.token' })],
    [
      'that is missing',
      'missing ID token',
      () => ({ tokens: correct => ({ ...correct, id_token: undefined }) }),
    ],
  ])('%s', async (_, check, bend) => {
    corp.bend = bend()
    await expectRefused(service, corp, { check })
  })

  test.each<[string, () => Bend]>([
    ['without a signature', () => ({ sign: unsigned('none') })],
    ['signed with HS256 and the public key', () => ({ sign: hmac('HS256', publicPem(lax)) })],
    ['signed with HS256 and the client secret', () => ({ sign: hmac('HS256', lax.clientSecret) })],
    ['signed with HS512 and the client secret', () => ({ sign: hmac('HS512', lax.clientSecret) })],
  ])('%s, although the provider announces the algorithm', async (_, bend) => {
    lax.bend = { ...lax.bend, ...bend() }
    await expectRefused(service, lax, { check: 'algorithm', provider: 'lax' })
  })
})

describe('a foreign key is refused, wherever the token says that it is,', () => {
  test.each(['jwk', 'jku', 'x5u', 'kid'] as const)(
    'in %s, and nothing is fetched from there',
    async place => {
      const fetched: string[] = []
      const server = createServer((request, response) => {
        fetched.push(request.url ?? '')
        response.end(JSON.stringify({ keys: [] }))
      }).listen(0, 'localhost')
      await once(server, 'listening')
      const address = `http://localhost:${(server.address() as AddressInfo).port}/keys`
      const { privateKey, publicKey } = await generateKeyPair('RS256')
      const jwk = await exportJWK(publicKey)
      const header = {
        jwk: { jwk },
        jku: { jku: address, kid: 'foreign' },
        x5u: { x5u: address, kid: 'foreign' },
        kid: { kid: corp.key.public.kid ?? '' },
      }[place]
      corp.bend = {
        sign: claims => new SignJWT(claims).setProtectedHeader({ alg: 'RS256', ...header }).sign(privateKey),
      }
      try {
        await expectRefused(service, corp, { check: 'signature' })
        expect(fetched).toEqual([])
      } finally {
        server.close()
      }
    },
  )

  test('even if it is a valid key of another kind under the provider’s own key ID', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    corp.bend = {
      sign: claims =>
        new SignJWT(claims)
          .setProtectedHeader({ alg: 'ES256', kid: corp.key.public.kid ?? '' })
          .sign(privateKey),
    }
    await expectRefused(service, corp, { check: 'algorithm' })
  })
})

describe('the user info is refused', () => {
  test('if it is about another person', async () => {
    const person = newPerson()
    const { email, ...withoutAddress } = person
    corp.bend = {
      claims: correct => ({ ...correct, email: undefined, email_verified: undefined }),
      userInfo: () => ({ ...withoutAddress, sub: 'victim', email, email_verified: true }),
    }
    await expectRefused(service, corp, { check: 'user info', person })
  })
})

describe('the parameter iss of a callback (RFC 9207)', () => {
  test.each<[string, string, (parameters: URLSearchParams) => void]>([
    [
      'is missing, although the provider announces it',
      'issuer of the response',
      parameters => parameters.delete('iss'),
    ],
    [
      'names another issuer',
      'issuer of the response',
      parameters => parameters.set('iss', 'https://evil.example'),
    ],
    ['is empty', 'issuer of the response', parameters => parameters.set('iss', '')],
    ['comes twice', '', parameters => parameters.append('iss', 'https://evil.example')],
  ])('%s: refused', async (_, check, callback) => {
    corp.bend = { callback }
    const exchanges = corp.exchanges
    await expectRefused(service, corp, { check })
    expect(corp.exchanges).toBe(exchanges)
  })

  test('names another issuer, although the provider announces none: refused', async () => {
    lax.bend = { ...lax.bend, callback: parameters => parameters.set('iss', 'https://evil.example') }
    const exchanges = lax.exchanges
    await expectRefused(service, lax, { check: 'issuer of the response', provider: 'lax' })
    expect(lax.exchanges).toBe(exchanges)
  })
})

describe('one provider’s code at the callback of another', () => {
  test('is never sent to the other, and signs no one in', async () => {
    const begun = await begin(service, { provider: 'corp' })
    const back = corp.authorize(begun.url, newPerson())
    back.pathname = back.pathname.replace('corp', 'lax')
    back.searchParams.set('iss', lax.issuer)
    const [corpExchanges, laxExchanges] = [corp.exchanges, lax.exchanges]
    const { events, result } = await auditDuring(service, () => comeBack(service, back, begun))
    service.logged.splice(0)
    expect(result.code).toBeNull()
    expect(events).toHaveLength(1)
    expect([corp.exchanges, lax.exchanges]).toEqual([corpExchanges, laxExchanges])
  })
})

test('a person who refuses at the provider returns with PROVIDER_DENIED, and no session starts', async () => {
  corp.bend = {
    callback: parameters => {
      parameters.delete('code')
      parameters.set('error', 'access_denied')
    },
  }
  const { url, cookie } = await begin(service)
  const sessions = await service.app.db.session.count()
  const landing = await comeBack(service, corp.authorize(url, newPerson()), { cookie })
  service.logged.splice(0)
  expect(landing).toMatchObject({ status: 303, code: null, error: 'PROVIDER_DENIED' })
  expect(await service.app.db.session.count()).toBe(sessions)
})
