import { createHmac, createPublicKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { beforeAll, describe, expect, test } from '@jest/globals'
import jwt from 'jsonwebtoken'
import { signingKeyAt } from '../../src/keys/signing-keys.ts'
import { type SignedIn, signIn, signUp } from '../support/actors.ts'
import { claimsOf, encode, forge, headerOf, type Json, signed } from '../support/forge.ts'
import { useService } from '../support/service.ts'
import { HOUR, MINUTE, refreshed, stateOf } from '../support/sessions.ts'

const ISSUER = 'https://auth.example.com'
const AUDIENCE = 'shop'
const service = useService({ settings: { TOKEN_ISSUER: ISSUER, TOKEN_AUDIENCE: AUDIENCE } })

// Its session lives through the whole file: no test here ends it or moves the clock far.
let account: SignedIn
beforeAll(async () => {
  account = await signUp(service)
})

const signingKey = () => signingKeyAt(service.app.keys.signing, service.clock.now())
const now = () => Math.floor(service.clock.now().getTime() / 1000)
const stateOfForged = (change: { header?: Json; claims?: Json }) =>
  stateOf(service, forge(service, account.accessToken, change))

describe('an access token', () => {
  test('has the header and the claims of RFC 9068 and lives 10 minutes', () => {
    const { kid } = signingKey()
    expect(headerOf(account.accessToken)).toEqual({ alg: 'ES256', typ: 'at+jwt', kid })
    const claims = claimsOf(account.accessToken)
    expect(claims).toEqual({
      iss: ISSUER,
      aud: AUDIENCE,
      sub: account.id,
      client_id: AUDIENCE,
      sid: account.sessionId,
      gen: 0,
      acr: '1fa',
      amr: ['pwd'],
      auth_time: expect.any(Number),
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
      iat: expect.any(Number),
      exp: Number(claims.iat) + 10 * MINUTE,
    })
    expect(Math.abs(Number(claims.iat) - now())).toBeLessThan(20)
  })

  test('has an expiry time and a unique ID', async () => {
    const { refreshToken } = await signIn(service, account.email)
    const first = await refreshed(service, refreshToken)
    const again = await refreshed(service, refreshToken)
    for (const { accessToken, accessTokenExpiresAt } of [first, again])
      expect(Date.parse(accessTokenExpiresAt)).toBe(Number(claimsOf(accessToken).exp) * 1000)
    expect(claimsOf(first.accessToken).jti).not.toBe(claimsOf(again.accessToken).jti)
  })

  test('contains nothing about the account except its ID', () => {
    expect(JSON.stringify(claimsOf(account.accessToken))).not.toContain(account.email)
  })

  test('can be verified with only the keys at /.well-known/jwks.json', async () => {
    const response = await fetch(`${service.url}/.well-known/jwks.json`)
    const { keys } = (await response.json()) as { keys: (Json & { kid: string })[] }
    const jwk = keys.find(({ kid }) => kid === headerOf(account.accessToken).kid)
    const key = createPublicKey({ key: { ...jwk }, format: 'jwk' })
    const claims = jwt.verify(account.accessToken, key, {
      algorithms: ['ES256'],
      issuer: ISSUER,
      audience: AUDIENCE,
    })
    expect(claims).toMatchObject({ sub: account.id, sid: account.sessionId })
  })

  test('is refused as EXPIRED a minute after its 10 minutes, even if its signature was accepted before', async () => {
    const { accessToken } = await signIn(service, account.email)
    service.clock.advance(650)
    expect(await stateOf(service, accessToken)).toBe('LIVE')
    service.clock.advance(10)
    expect(await stateOf(service, accessToken)).toBe('EXPIRED')
    service.clock.advance(-660)
  })

  test('with a longer lifetime is valid for that lifetime', async () => {
    const { refreshToken } = await signIn(service, account.email)
    const { accessToken } = await refreshed(service, refreshToken, { accessTokenTtlSeconds: HOUR })
    service.clock.advance(HOUR + 50)
    expect(await stateOf(service, accessToken)).toBe('LIVE')
    service.clock.advance(10)
    expect(await stateOf(service, accessToken)).toBe('EXPIRED')
    service.clock.advance(-HOUR - 60)
  })
})

describe('a token is accepted', () => {
  test.each<[string, () => { header?: Json; claims?: Json }]>([
    ['signed as the tests below sign theirs', () => ({})],
    ['issued by a replica whose clock is 50 s ahead', () => ({ claims: { iat: now() + 50 } })],
    ['that expired 50 s ago by this clock', () => ({ claims: { exp: now() - 50 } })],
  ])('%s', async (_case, change) => {
    expect(await stateOfForged(change())).toBe('LIVE')
  })
})

describe('a header is refused despite a valid signature', () => {
  const algorithms = ['none', 'None', 'NONE', 'nOnE', 'HS256', 'RS256', 'ES384', 'PS256', 'EdDSA', 'es256']
  const own = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
  const evil = 'https://evil.example/keys'
  const kids = [
    '',
    '../../../../dev/null',
    '/dev/null',
    "x' OR '1'='1",
    "x' UNION SELECT 'key' --",
    '__proto__',
    'constructor',
    'toString',
    null,
    0,
    ['x'],
    {},
  ]
  test.each<[string, Json]>([
    ...algorithms.map((alg): [string, Json] => [`alg ${alg}`, { alg }]),
    ['alg in an array', { alg: ['ES256'] }],
    ['no alg', { alg: undefined }],
    ['a jwk', { jwk: own }],
    ['a jku', { jku: evil }],
    ['an x5u', { x5u: evil }],
    ['an x5c', { x5c: ['MIIB'] }],
    ['an x5t', { x5t: 'AAAA' }],
    ...kids.map((kid): [string, Json] => [`kid ${JSON.stringify(kid)}`, { kid }]),
    ['no kid', { kid: undefined }],
    ['typ JWT', { typ: 'JWT' }],
    ['typ of an ID token', { typ: 'id+jwt' }],
    ['no typ', { typ: undefined }],
    ['an unknown crit', { crit: ['https://example.com/unknown'], 'https://example.com/unknown': true }],
    ['a crit that names exp', { crit: ['exp'] }],
    ['an empty crit', { crit: [] }],
    ['an unencoded payload', { crit: ['b64'], b64: false }],
    ['compression', { zip: 'DEF' }],
    ['a cty', { cty: 'JWT' }],
  ])('%s', async (_case, header) => {
    expect(await stateOfForged({ header })).toBe('INVALID')
  })
})

describe('claims are refused despite a valid signature', () => {
  test.each<[string, () => Json, string?]>([
    ['no exp', () => ({ exp: undefined })],
    ['exp null', () => ({ exp: null })],
    ['exp as a string', () => ({ exp: String(now() + 600) })],
    ['exp with a fraction', () => ({ exp: now() + 600.5 })],
    ['exp in the past', () => ({ exp: now() - 60 }), 'EXPIRED'],
    ['exp in the past by years', () => ({ exp: 0 }), 'EXPIRED'],
    ['no iat', () => ({ iat: undefined })],
    ['iat as a string', () => ({ iat: String(now()) })],
    ['iat in the future', () => ({ iat: now() + 120 })],
    ['nbf in the future', () => ({ nbf: now() + 60 })],
    ['nbf as a string', () => ({ nbf: '0' })],
    ['no iss', () => ({ iss: undefined })],
    ['another iss', () => ({ iss: 'https://evil.example' })],
    ['iss with a slash more', () => ({ iss: `${ISSUER}/` })],
    ['iss in another case', () => ({ iss: ISSUER.toUpperCase() })],
    ['iss in an array', () => ({ iss: [ISSUER] })],
    ['no aud', () => ({ aud: undefined })],
    ['another aud', () => ({ aud: 'bank' })],
    ['an empty aud', () => ({ aud: '' })],
    ['aud with ours as its start', () => ({ aud: `${AUDIENCE}s` })],
    ['an array of other audiences', () => ({ aud: ['bank', ISSUER] })],
    ['no sub', () => ({ sub: undefined })],
    ['sub as SQL', () => ({ sub: "' OR 1=1 --" })],
    ['another account as sub', () => ({ sub: randomUUID() }), 'REVOKED'],
    ['no sid', () => ({ sid: undefined })],
    ['sid as SQL', () => ({ sid: "' OR 1=1 --" })],
    ['sid in an array', () => ({ sid: [account.sessionId] })],
    ['an unknown sid', () => ({ sid: randomUUID() }), 'REVOKED'],
    ['no gen', () => ({ gen: undefined })],
    ['gen as a string', () => ({ gen: '0' })],
    ['gen below 0', () => ({ gen: -1 })],
    ['no jti', () => ({ jti: undefined })],
  ])('%s', async (_case, claims, reason = 'INVALID') => {
    expect(await stateOfForged({ claims: claims() })).toBe(reason)
  })

  test('another account’s session', async () => {
    const { sessionId } = await signUp(service)
    expect(await stateOfForged({ claims: { sid: sessionId } })).toBe('REVOKED')
  })

  test.each([
    ['an array', []],
    ['null', null],
    ['a string', '"text"'],
    ['no JSON', '{"sub":'],
    ['nothing', ''],
  ])('that are %s', async (_case, claims) => {
    expect(await stateOf(service, signed(service, headerOf(account.accessToken), claims))).toBe('INVALID')
  })
})

describe('a signature is refused', () => {
  const parts = () => account.accessToken.split('.') as [header: string, payload: string, signature: string]
  const withSignature = (change: (good: Buffer) => Buffer) => {
    const [header, payload, signature] = parts()
    return `${header}.${payload}.${change(Buffer.from(signature, 'base64url')).toString('base64url')}`
  }
  const flip = (buffer: Buffer, bit: number) => {
    const changed = Buffer.from(buffer)
    changed[bit >> 3]! ^= 1 << (bit & 7)
    return changed
  }
  const der = () => {
    const [header, payload] = parts()
    const signature = sign('sha256', Buffer.from(`${header}.${payload}`), signingKey().privateKey)
    return `${header}.${payload}.${signature.toString('base64url')}`
  }
  const byAnotherKey = () => {
    const [header, payload] = parts()
    const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    const signature = sign('sha256', Buffer.from(`${header}.${payload}`), { key, dsaEncoding: 'ieee-p1363' })
    return `${header}.${payload}.${signature.toString('base64url')}`
  }

  test.each([
    ['that is empty', () => withSignature(() => Buffer.alloc(0))],
    ['that is left out', () => parts().slice(0, 2).join('.')],
    ['of zeros (CVE-2022-21449)', () => withSignature(() => Buffer.alloc(64))],
    ['with its first bit changed', () => withSignature(good => flip(good, 0))],
    ['with its last bit changed', () => withSignature(good => flip(good, 511))],
    ['cut short', () => withSignature(good => good.subarray(0, 63))],
    ['with a byte more', () => withSignature(good => Buffer.concat([good, Buffer.alloc(1)]))],
    ['in DER', der],
    ['by another key', byAnotherKey],
    [
      'of another payload',
      () => {
        const [header, , signature] = parts()
        return `${header}.${encode({ ...claimsOf(account.accessToken), sub: randomUUID() })}.${signature}`
      },
    ],
  ])('%s', async (_case, token) => {
    // First the good one, so that the memory of good signatures holds it.
    expect(await stateOf(service, account.accessToken)).toBe('LIVE')
    expect(await stateOf(service, token())).toBe('INVALID')
  })
})

describe('a token cannot be forged without the private key', () => {
  const publicKey = () => signingKey().publicKey
  /** The account's claims under another algorithm. */
  const unsigned = (header: Json) =>
    `${encode({ ...headerOf(account.accessToken), ...header })}.${account.accessToken.split('.')[1]}`

  test.each(['none', 'None', 'NONE', 'nOnE'])('alg %s', async alg => {
    const [, , signature] = account.accessToken.split('.')
    for (const tail of ['.', '', `.${signature}`, '.AA'])
      expect(await stateOf(service, unsigned({ alg }) + tail)).toBe('INVALID')
  })

  test.each<[string, () => string | Buffer]>([
    ['PEM', () => publicKey().export({ format: 'pem', type: 'spki' })],
    [
      'PEM without its line feed',
      () => publicKey().export({ format: 'pem', type: 'spki' }).toString().trim(),
    ],
    ['DER', () => publicKey().export({ format: 'der', type: 'spki' })],
    ['JWK', () => JSON.stringify(signingKey().publicJwk)],
    ['nothing', () => ''],
  ])('HS256 with the public key as %s', async (_form, secret) => {
    for (const alg of ['HS256', 'HS512']) {
      const input = unsigned({ alg })
      const mac = createHmac(alg === 'HS256' ? 'sha256' : 'sha512', secret()).update(input)
      expect(await stateOf(service, `${input}.${mac.digest('base64url')}`)).toBe('INVALID')
    }
  })

  test('the attacker’s own key, in any header that offers it', async () => {
    const own = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const jwk = own.publicKey.export({ format: 'jwk' })
    for (const header of [{ jwk }, { jwk, kid: undefined }, { jwk, kid: 'mine' }, { kid: 'mine' }, {}]) {
      const input = unsigned(header)
      const signature = sign('sha256', Buffer.from(input), { key: own.privateKey, dsaEncoding: 'ieee-p1363' })
      expect(await stateOf(service, `${input}.${signature.toString('base64url')}`)).toBe('INVALID')
    }
  })
})

describe('text that is not a token is refused', () => {
  test.each<[string, () => string]>([
    ['a refresh token', () => account.refreshToken],
    ['a session’s id', () => account.sessionId],
    ['a letter', () => 'a'],
    ['a dot', () => '.'],
    ['two dots', () => '..'],
    ['a token with a dot more', () => `${account.accessToken}.`],
    ['a token with a dot before', () => `.${account.accessToken}`],
    ['a token twice', () => `${account.accessToken}.${account.accessToken}`],
    ['five parts, as of a JWE', () => `${account.accessToken}.AA.AA`],
    [
      'a header that is no JSON',
      () => `${encode('{"alg":')}.${account.accessToken.split('.', 3).slice(1).join('.')}`,
    ],
    ['a header that is null', () => signed(service, null, claimsOf(account.accessToken))],
    ['a header that is an array', () => signed(service, [], claimsOf(account.accessToken))],
    ['a header that is a string', () => signed(service, '"ES256"', claimsOf(account.accessToken))],
    ['characters outside of base64url', () => account.accessToken.replace('.', '!.')],
    ['padding', () => account.accessToken.replaceAll('.', '=.')],
    ['10 kB', () => 'A'.repeat(10_000)],
    ['10 kB of dots', () => '.'.repeat(10_000)],
  ])('%s', async (_case, token) => {
    expect(await stateOf(service, token())).toBe('INVALID')
  })

  test('a token truncated anywhere', async () => {
    const { accessToken } = account
    for (let length = 1; length < accessToken.length; length += 37)
      expect(await stateOf(service, accessToken.slice(0, length))).toBe('INVALID')
    expect(await stateOf(service, accessToken.slice(0, -1))).toBe('INVALID')
  })
})

describe('the header Authorization', () => {
  const stateWith = (authorization: string) => stateOf(service, undefined, { headers: { authorization } })

  test.each(['Bearer', 'bearer', 'BEARER', 'Bearer  '])('can have %j before the token', async scheme => {
    expect(await stateWith(`${scheme} ${account.accessToken}`)).toBe('LIVE')
  })

  test.each<[string, () => string]>([
    ['only a scheme', () => 'Bearer'],
    ['only a token', () => account.accessToken],
    ['another scheme', () => `Basic ${account.accessToken}`],
    ['a longer scheme', () => `BearerX ${account.accessToken}`],
    ['no space', () => `Bearer${account.accessToken}`],
    ['two tokens', () => `Bearer ${account.accessToken} ${account.accessToken}`],
    ['two values', () => `Bearer ${account.accessToken}, Bearer ${account.accessToken}`],
    ['quotes', () => `Bearer "${account.accessToken}"`],
    ['a parameter', () => `Bearer token=${account.accessToken}`],
  ])('is refused with %s', async (_case, authorization) => {
    expect(await stateWith(authorization())).toBe('INVALID')
  })

  test('is required', async () => {
    expect(await stateOf(service, undefined)).toBe('MISSING')
  })

  test('is the only place where a token is accepted, not the query string or a cookie', async () => {
    const { accessToken } = account
    const body = JSON.stringify({ query: '{ me { id } }' })
    const response = await fetch(`${service.url}/graphql?access_token=${accessToken}&token=${accessToken}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        cookie: `access_token=${accessToken}; token=${accessToken}`,
      },
      body,
    })
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { reason: 'MISSING' } }] })
  })
})
