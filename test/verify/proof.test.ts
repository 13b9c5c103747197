import { createHash, randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { createVerifier, identify, type VerifierOptions } from '../../src/verify/index.ts'
import { AUDIENCE, ISSUER, newSigner, type Signer, verdict as verdictOf } from './support.ts'

const HOST = 'https://api.example.com'
const NOTES = `${HOST}/v1/notes`
const newKeys = () => generateKeyPair('ES256', { extractable: true })
const hashOf = (text: string) => createHash('sha256').update(text).digest('base64url')

let signer: Signer
let keys: CryptoKeyPair
let others: CryptoKeyPair
let jwk: JWK
let token: string
let bearer: string
let clockMs = Date.now()

beforeAll(async () => {
  ;[signer, keys, others] = await Promise.all([newSigner(() => clockMs), newKeys(), newKeys()])
  jwk = await exportJWK(keys.publicKey)
  token = await signer.issue({ cnf: { jkt: await calculateJwkThumbprint(jwk) } })
  bearer = await signer.issue()
})

const newVerifier = (dpop: VerifierOptions['dpop'] | null = { url: `${HOST}/v1/` }) =>
  createVerifier({
    issuer: ISSUER,
    audience: AUDIENCE,
    now: () => clockMs,
    fetch: async () => ({ status: 200, json: async () => ({ keys: [signer.jwk] }) }),
    ...(dpop && { dpop }),
  })

type Change = { claims?: object; header?: object; key?: CryptoKey }
async function proofOf({ claims, header, key = keys.privateKey }: Change = {}): Promise<string> {
  const iat = Math.floor(clockMs / 1000)
  const all = { jti: randomUUID(), htm: 'GET', htu: NOTES, iat, ath: hashOf(token), ...claims }
  return new SignJWT(all).setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk, ...header }).sign(key)
}
const requestOf = (dpop: string, authorization = `DPoP ${token}`) => ({
  method: 'GET',
  url: '/notes?first=1',
  headers: { authorization, ...(dpop && { dpop }) },
})
const verdict = (request: Parameters<typeof identify>[1], verifier = newVerifier()) =>
  verdictOf(identify(verifier, request))

test('a token that is bound to a key counts with a proof of this key for this request', async () => {
  const request = requestOf(await proofOf())
  expect(await verdict(request)).toBe('VALID')
  expect(await verdict({ ...request, headers: new Headers(request.headers) })).toBe('VALID')
  expect(await verdict({ ...request, url: '/inner', originalUrl: '/notes' })).toBe('VALID')
  expect(await verdict(new Request('http://10.0.0.1:3000/notes', request))).toBe('VALID')
})

const changes: [string, () => Change | Promise<Change>][] = [
  ['for another method', () => ({ claims: { htm: 'POST' } })],
  ['for a method in lowercase', () => ({ claims: { htm: 'get' } })],
  ['for another path', () => ({ claims: { htu: `${HOST}/v1/notes/1` } })],
  ['for another host', () => ({ claims: { htu: 'https://evil.example/v1/notes' } })],
  ['for the address without TLS', () => ({ claims: { htu: NOTES.replace('https', 'http') } })],
  ['for no address', () => ({ claims: { htu: 7 } })],
  ['for another token', () => ({ claims: { ath: hashOf(bearer) } })],
  ['for no token', () => ({ claims: { ath: undefined } })],
  ['without an ID', () => ({ claims: { jti: undefined } })],
  ['with an endless ID', () => ({ claims: { jti: 'x'.repeat(129) } })],
  ['without a time', () => ({ claims: { iat: undefined } })],
  ['from two minutes ago', () => ({ claims: { iat: clockMs / 1000 - 120 } })],
  ['from two minutes ahead', () => ({ claims: { iat: clockMs / 1000 + 120 } })],
  ['of another type', () => ({ header: { typ: 'JWT' } })],
  [
    'with another key',
    async () => ({ header: { jwk: await exportJWK(others.publicKey) }, key: others.privateKey }),
  ],
  ['signed with another key', () => ({ key: others.privateKey })],
  ['with the private key in it', async () => ({ header: { jwk: await exportJWK(keys.privateKey) } })],
  ['without its key', () => ({ header: { jwk: undefined } })],
  ['with a point that is not on the curve', () => ({ header: { jwk: { ...jwk, x: jwk.y } } })],
  ['that has expired', () => ({ claims: { exp: clockMs / 1000 - 1 } })],
]
test.each(changes)('a proof %s is refused', async (_name, change) => {
  expect(await verdict(requestOf(await proofOf(await change())))).toBe('DPOP_INVALID')
})

test('a request without a proof is refused, and one with text that is none', async () => {
  const proof = await proofOf()
  const unsigned = proof.replace(/[^.]+$/, '')
  for (const text of ['', 'x', 'x.y.z', unsigned, `${proof}, ${proof}`, 'x'.repeat(10_000)])
    expect([text, await verdict(requestOf(text))]).toEqual([text, 'DPOP_INVALID'])
  expect(await verdict({ ...requestOf(proof), url: '//' })).toBe('DPOP_INVALID')
})

test('a proof counts once, for as long as it counts at all', async () => {
  const verifier = newVerifier()
  const proof = await proofOf()
  expect(await verdict(requestOf(proof), verifier)).toBe('VALID')
  for (const seconds of [0, 59, 60, 61, 90]) {
    clockMs += seconds * 1000
    expect([seconds, await verdict(requestOf(proof), verifier)]).toEqual([seconds, 'DPOP_INVALID'])
    expect(await verdict(requestOf(await proofOf()), verifier)).toBe('VALID')
    clockMs -= seconds * 1000
  }
})

describe('a token does not change its kind', () => {
  test('a bound one is no bearer token, with or without a proof', async () => {
    const proof = await proofOf()
    for (const text of ['', proof])
      expect(await verdict(requestOf(text, `Bearer ${token}`))).toBe('DPOP_INVALID')
    await expect(newVerifier().verify(token)).rejects.toMatchObject({
      extensions: { reason: 'DPOP_INVALID' },
    })
  })

  test('a bearer token is no bound one, and can be refused altogether', async () => {
    const proof = await proofOf({ claims: { ath: hashOf(bearer) } })
    expect(await verdict(requestOf(proof, `DPoP ${bearer}`))).toBe('DPOP_INVALID')
    expect(await verdict(requestOf('', `Bearer ${bearer}`))).toBe('VALID')
    const strict = newVerifier({ url: HOST, required: true })
    expect(await verdict(requestOf('', `Bearer ${bearer}`), strict)).toBe('DPOP_INVALID')
  })

  test('a bound one is refused by a verifier without the option, and the log says what to set', async () => {
    const plain = newVerifier(null)
    const request = requestOf(await proofOf())
    expect(await verdict(request, plain)).toBe('INVALID')
    const error = await identify(plain, request).catch((error: unknown) => error)
    expect((error as Error).cause).toMatchObject({ message: expect.stringContaining('option dpop') })
  })
})

test('an address that is none is not accepted as the server’s own', () => {
  expect(() => newVerifier({ url: 'api.example.com' })).toThrow('dpop.url')
})
