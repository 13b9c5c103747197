import { generateKeyPairSync, sign } from 'node:crypto'
import { beforeAll, describe, expect, test } from '@jest/globals'
import {
  freshProof,
  newKey,
  nonceOf,
  proofOf,
  refreshBound,
  refusal,
  signProof,
} from '../support/bound-client.ts'
import { StillClock } from '../support/clock.ts'
import { encode, type Json } from '../support/forge.ts'
import { useService } from '../support/service.ts'
import { HOUR } from '../support/sessions.ts'

const PUBLIC_URL = 'https://auth.example.com/accounts'
const HTU = `${PUBLIC_URL}/graphql`
const service = useService({
  clock: new StillClock(),
  settings: { PUBLIC_URL, LIMIT_REFRESH_NETWORK: '9999999/1h' },
})

const key = newKey()
const other = newKey()
const { d } = key.privateKey.export({ format: 'jwk' })
let nonce: string
beforeAll(async () => {
  nonce = await nonceOf(service)
})
const now = () => Math.floor(Date.now() / 1000)

/**
 * How a proof is judged. The refresh token in the same request is that of no session, so a proof that is accepted leads to the
 * refusal of the token, which has no reason.
 */
async function judged(proof: string): Promise<unknown> {
  const reply = await refreshBound(service, 'unknown', proof)
  expect(reply.errors).toHaveLength(1)
  expect(reply.errors[0]?.extensions.code).toBe('REFRESH_TOKEN_INVALID')
  return reply.errors[0]?.extensions.reason ?? 'ACCEPTED'
}

type Change = { header?: Json; claims?: Json }
const proofWith = ({ header, claims }: Change) =>
  proofOf(service, key, { ...(header && { header }), claims: { nonce, ...claims } })

describe('a proof is accepted', () => {
  test.each<[string, Change]>([
    ['made as the faulty ones below are', {}],
    ['by a client whose clock is 10 hours ahead', { claims: { iat: now() + 10 * HOUR } }],
    ['by a client whose clock is 10 hours behind', { claims: { iat: now() - 10 * HOUR } }],
    ['by a client whose clock has started at 1970', { claims: { iat: 0 } }],
    ['with a fraction of a second in iat', { claims: { iat: now() + 0.25 } }],
    ['with a jti of 128 characters', { claims: { jti: 'x'.repeat(128) } }],
    ['with a query in htu', { claims: { htu: `${HTU}?operation=refresh` } }],
    ['with a fragment in htu', { claims: { htu: `${HTU}#top` } }],
    ['with the default port in htu', { claims: { htu: HTU.replace('.com', '.com:443') } }],
    [
      'with the host of htu in capitals',
      { claims: { htu: HTU.replace('auth.example.com', 'AUTH.Example.COM') } },
    ],
    ['with dots in the path of htu', { claims: { htu: HTU.replace('/graphql', '/x/../graphql') } }],
    ['with further claims', { claims: { sub: 'anyone', exp: 0, nbf: now() + HOUR } }],
    ['with a key as browsers export it', { header: { jwk: { ...key.jwk, ext: true, key_ops: ['verify'] } } }],
    ['with a key that has an ID', { header: { jwk: { ...key.jwk, kid: '1', use: 'sig', alg: 'ES256' } } }],
    ['with a kid besides the key', { header: { kid: 'unknown' } }],
  ])('%s', async (_case, change) => {
    expect(await judged(proofWith(change))).toBe('ACCEPTED')
  })

  test('59 s after its nonce, and not 61 s after it', async () => {
    service.clock.advance(59)
    expect(await judged(proofWith({}))).toBe('ACCEPTED')
    service.clock.advance(2)
    expect(await judged(proofWith({}))).toBe('DPOP_NONCE')
    service.clock.advance(-61)
  })
})

const [X, Y] = [String(key.jwk.x), String(key.jwk.y)]
const jwk = (change: Json) => ({ header: { jwk: { ...key.jwk, ...change } } })
const evil = 'https://evil.example/keys'
/** Encodes the same number with an unused bit set. */
const nonCanonical = (text: string) =>
  text.slice(0, -1) +
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'[
    'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'.indexOf(text.at(-1) ?? '') + 1
  ]
const jwkOf = (type: 'rsa' | 'ed25519' | 'P-384' | 'secp256k1') => {
  if (type === 'rsa')
    return generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' })
  if (type === 'ed25519') return generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })
  return generateKeyPairSync('ec', { namedCurve: type }).publicKey.export({ format: 'jwk' })
}

describe('a proof with one fault is refused:', () => {
  test.each<[string, Change]>([
    ['no typ', { header: { typ: undefined } }],
    ['typ JWT', { header: { typ: 'JWT' } }],
    ['typ of an access token', { header: { typ: 'at+jwt' } }],
    ['typ in an array', { header: { typ: ['dpop+jwt'] } }],
    ...['none', 'None', 'HS256', 'RS256', 'PS256', 'ES384', 'ES512', 'ES256K', 'EdDSA', 'es256'].map(
      (alg): [string, Change] => [`alg ${alg}`, { header: { alg } }],
    ),
    ['no alg', { header: { alg: undefined } }],
    ['alg in an array', { header: { alg: ['ES256'] } }],
    ['no jwk', { header: { jwk: undefined } }],
    ['jwk null', { header: { jwk: null } }],
    ['jwk as text', { header: { jwk: JSON.stringify(key.jwk) } }],
    ['jwk in an array', { header: { jwk: [key.jwk] } }],
    ['a jku in place of the key', { header: { jwk: undefined, jku: evil } }],
    ['an x5c in place of the key', { header: { jwk: undefined, x5c: ['MIIB'] } }],
    ['a private key', jwk({ d })],
    ['a member of a symmetric key', jwk({ k: 'c2VjcmV0' })],
    ['no kty', jwk({ kty: undefined })],
    ['kty of a symmetric key', jwk({ kty: 'oct', k: 'c2VjcmV0' })],
    ['no crv', jwk({ crv: undefined })],
    ['another crv', jwk({ crv: 'P-384' })],
    ['no x', jwk({ x: undefined })],
    ['no y', jwk({ y: undefined })],
    ['an x that is too short', jwk({ x: X.slice(0, -1) })],
    ['an x that is too long', jwk({ x: `AA${X}` })],
    ['x as a number', jwk({ x: 1 })],
    ['an x with padding', jwk({ x: `${X}=` })],
    ['an x in another encoding', jwk({ x: nonCanonical(X) })],
    ['a y in another encoding', jwk({ y: nonCanonical(Y) })],
    ['a point that is not on the curve', jwk({ x: Y, y: X })],
    ['the point zero', jwk({ x: 'A'.repeat(43), y: 'A'.repeat(43) })],
    ['the key of someone else', { header: { jwk: other.jwk } }],
    ['an RSA key', { header: { jwk: jwkOf('rsa') } }],
    ['an Ed25519 key', { header: { jwk: jwkOf('ed25519') } }],
    ['a key on P-384', { header: { jwk: jwkOf('P-384') } }],
    ['a key on secp256k1', { header: { jwk: jwkOf('secp256k1') } }],
    ['an unknown crit', { header: { crit: ['https://example.com/x'], 'https://example.com/x': true } }],
    ['an empty crit', { header: { crit: [] } }],
    ['an unencoded payload', { header: { b64: false, crit: ['b64'] } }],
    ['no jti', { claims: { jti: undefined } }],
    ['an empty jti', { claims: { jti: '' } }],
    ['jti as a number', { claims: { jti: 1 } }],
    ['a jti of 129 characters', { claims: { jti: 'x'.repeat(129) } }],
    ['no htm', { claims: { htm: undefined } }],
    ['another htm', { claims: { htm: 'GET' } }],
    ['htm in lower case', { claims: { htm: 'post' } }],
    ['htm in an array', { claims: { htm: ['POST'] } }],
    ['no htu', { claims: { htu: undefined } }],
    ['an empty htu', { claims: { htu: '' } }],
    ['htu in an array', { claims: { htu: [HTU] } }],
    ['htu of another host', { claims: { htu: HTU.replace('auth', 'evil') } }],
    ['htu with our host as its start', { claims: { htu: HTU.replace('.com', '.com.evil.example') } }],
    ['htu of another path', { claims: { htu: `${PUBLIC_URL}/oauth/token` } }],
    ['htu without the path of PUBLIC_URL', { claims: { htu: 'https://auth.example.com/graphql' } }],
    ['htu with a slash more', { claims: { htu: `${HTU}/` } }],
    ['the path of htu in capitals', { claims: { htu: HTU.replace('graphql', 'GraphQL') } }],
    ['htu over http', { claims: { htu: HTU.replace('https', 'http') } }],
    ['htu with another port', { claims: { htu: HTU.replace('.com', '.com:8443') } }],
    ['htu with a user name', { claims: { htu: HTU.replace('auth', 'ada@auth') } }],
    ['htu without a host', { claims: { htu: '/accounts/graphql' } }],
    ['no iat', { claims: { iat: undefined } }],
    ['iat as text', { claims: { iat: String(now()) } }],
    ['iat below 0', { claims: { iat: -1 } }],
    ['iat null', { claims: { iat: null } }],
    ['nonce null', { claims: { nonce: null } }],
    ['nonce as a number', { claims: { nonce: 1 } }],
    ['nonce in an array', { claims: { nonce: ['x'] } }],
    ['ath as a number', { claims: { ath: 1 } }],
    ['an ath, which is for access tokens', { claims: { ath: 'x'.repeat(43) } }],
  ])('%s', async (_case, change) => {
    expect(await judged(proofWith(change))).toBe('DPOP_INVALID')
  })

  test('htu by the Host header of the request', async () => {
    const htu = `${service.url}/graphql`
    expect(await judged(proofWith({ claims: { htu } }))).toBe('DPOP_INVALID')
  })

  test.each<[string, (proof: string, parts: [string, string, string]) => string]>([
    ['a signature of another key', (_, [h, c]) => signProof(other, JSON.parse(text(h)), JSON.parse(text(c)))],
    ['a signature of other claims', (_, [h, , s]) => [h, encode({ jti: 'x' }), s].join('.')],
    ['no signature', (_, [h, c]) => `${h}.${c}.`],
    ['a signature of zeros', (_, [h, c]) => `${h}.${c}.${'A'.repeat(86)}`],
    ['a signature that is too short', proof => proof.slice(0, -4)],
    ['a signature that is too long', proof => `${proof}AAAA`],
    [
      'a signature in DER',
      (_, [h, c]) =>
        `${h}.${c}.${sign('sha256', Buffer.from(`${h}.${c}`), key.privateKey).toString('base64url')}`,
    ],
    ['padding', proof => `${proof}==`],
    ['only two parts', (_, [h, c]) => `${h}.${c}`],
    ['four parts', proof => `${proof}.AAAA`],
    ['five parts', (_, [h, c, s]) => [h, '', c, '', s].join('.')],
    [
      'JSON',
      (_, [protectedHeader, payload, signature]) =>
        JSON.stringify({ protected: protectedHeader, payload, signature }),
    ],
    ['two proofs in one header', proof => `${proof}, ${proof}`],
    ['text after the proof', proof => `${proof} x`],
    ['a scheme before the proof', proof => `DPoP ${proof}`],
    ['no proof but text', () => 'x'],
    ['an empty header', () => ''],
    ['characters of base64 that are not of base64url', proof => proof.replace(/[A-Za-z]$/, '+')],
    ['a header that is no JSON', (_, [, c, s]) => ['e30x', c, s].join('.')],
    ['a proof of 5,000 characters', () => proofWith({ claims: { padding: 'x'.repeat(5000) } })],
  ])('%s', async (_case, change) => {
    const proof = proofWith({})
    expect(await judged(change(proof, proof.split('.') as [string, string, string]))).toBe('DPOP_INVALID')
  })

  test.each([
    ['an array', []],
    ['null', null],
    ['text', '"text"'],
    ['no JSON', '{"jti":'],
    [
      'with an iat that no number can have',
      JSON.stringify({ jti: 'x', htm: 'POST', htu: HTU, iat: 0, nonce: 'x' }).replace(
        '"iat":0',
        '"iat":1e999',
      ),
    ],
    ['nothing', ''],
  ])('claims that are %s', async (_case, claims) => {
    expect(await judged(signProof(key, { typ: 'dpop+jwt', alg: 'ES256', jwk: key.jwk }, claims))).toBe(
      'DPOP_INVALID',
    )
  })
})

const text = (part: string) => Buffer.from(part, 'base64url').toString()

describe('a client receives a nonce and sends the proof again', () => {
  test.each<[string, (nonce: string) => string | undefined]>([
    ['no nonce', () => undefined],
    ['an empty nonce', () => ''],
    ['a nonce of another server', () => Buffer.alloc(22, 1).toString('base64url')],
    ['a nonce with another time', given => `B${given.slice(1)}`],
    ['a nonce that is cut off', given => given.slice(0, -2)],
    ['a nonce with more at its end', given => `${given}AA`],
    ['a nonce in another encoding', given => nonCanonical(given)],
  ])('after %s', async (_case, change) => {
    const first = await refreshBound(service, 'unknown', proofWith({ claims: { nonce: change(nonce) } }))
    expect(refusal(first)).toBe('REFRESH_TOKEN_INVALID DPOP_NONCE')
    const next = first.headers.get('dpop-nonce')
    expect(await judged(proofWith({ claims: { nonce: next } }))).toBe('ACCEPTED')
  })

  test('whose time has not come yet by the clock of this replica', async () => {
    service.clock.advance(-5)
    expect(await judged(proofWith({}))).toBe('DPOP_NONCE')
    service.clock.advance(5)
  })

  test('in every response to a request with a proof, and in no other', async () => {
    const dpop = freshProof(service, key)
    const proved = await service.send('{ __typename }', {}, { headers: { dpop } })
    expect(proved.headers.get('dpop-nonce')).toMatch(/^[\w-]{30}$/)
    expect((await service.send('{ __typename }')).headers.get('dpop-nonce')).toBeNull()
  })
})
