import { beforeEach, describe, expect, test } from '@jest/globals'
import { type AuthError, createVerifier } from '../../src/verify/index.ts'
import { AUDIENCE, ISSUER, newSigner, type Signer, verdict } from './support.ts'

const MINUTE_MS = 60_000
const newKey = (kid?: string) => newSigner(() => clockMs, kid)

let clockMs: number
/** What the address of the keys answers. */
let published: unknown
let status: number
let outage: boolean
let requests: number
beforeEach(() => {
  clockMs = Date.now()
  status = 200
  outage = false
  requests = 0
})

const newVerifier = (cachedTokens = 0) =>
  createVerifier({
    issuer: ISSUER,
    audience: AUDIENCE,
    cachedTokens,
    now: () => clockMs,
    fetch: async url => {
      expect(url).toBe(`${ISSUER}/.well-known/jwks.json`)
      requests++
      if (outage) throw new TypeError('fetch failed')
      return { status, json: async () => published }
    },
  })

const publish = (...keys: Signer[]) => {
  published = { keys: keys.map(({ jwk }) => jwk) }
}

test('the keys are loaded with the first token, once for any number of them', async () => {
  const key = await newKey()
  publish(key)
  const verifier = newVerifier()
  expect(requests).toBe(0)
  const tokens = await Promise.all(Array.from({ length: 20 }, () => key.issue()))
  await Promise.all(tokens.map(token => verifier.verify(token)))
  for (const token of tokens) await verifier.verify(token)
  expect(requests).toBe(1)
})

test('a token of a new key is accepted, because an unknown key ID loads the keys again', async () => {
  const [old, successor] = await Promise.all([newKey(), newKey()])
  publish(old)
  const verifier = newVerifier()
  await verifier.verify(await old.issue())
  publish(successor, old)
  clockMs += 11_000
  await verifier.verify(await successor.issue())
  expect(requests).toBe(2)
})

test('any number of tokens with unknown key IDs load the keys at most every 10 seconds', async () => {
  const [key, ...strangers] = await Promise.all(Array.from({ length: 30 }, () => newKey()))
  publish(key as Signer)
  const verifier = newVerifier()
  const sent = async () => {
    for (const { issue } of strangers) expect(await verdict(verifier.verify(await issue()))).toBe('INVALID')
  }
  await sent()
  expect(requests).toBe(1)
  clockMs += 10_000
  await sent()
  expect(requests).toBe(2)
})

test('tokens of another algorithm or type load no keys', async () => {
  const key = await newKey()
  publish(key)
  const [, ...rest] = (await key.issue()).split('.')
  const header = (parts: object) => Buffer.from(JSON.stringify(parts)).toString('base64url')
  const verifier = newVerifier()
  for (const alg of ['none', 'HS256', 'RS256']) {
    const token = [header({ alg, typ: 'at+jwt', kid: key.jwk.kid }), ...rest].join('.')
    expect(await verdict(verifier.verify(token))).toBe('INVALID')
  }
  expect(requests).toBe(0)
})

test.each([
  ['', 0, undefined],
  [', also by tokens that are cached', 10, undefined],
  [', also if another key has its ID', 10, 'k'],
])('a withdrawn key is noticed within 10 minutes%s', async (_also, cachedTokens, kid) => {
  const [leaked, successor] = await Promise.all([newKey(kid), newKey(kid)])
  publish(leaked)
  const verifier = newVerifier(cachedTokens)
  const token = await leaked.issue()
  for (const valid of [token, await leaked.issue()]) await verifier.verify(valid)
  publish(successor)
  clockMs += 10 * MINUTE_MS + 1
  // The request of a cached token does not wait for the keys; the next one has them.
  await verdict(verifier.verify(token))
  await new Promise(setImmediate)
  for (const stale of [token, await leaked.issue()])
    expect(await verdict(verifier.verify(stale))).toBe('INVALID')
  expect(await verdict(verifier.verify(await successor.issue()))).toBe('VALID')
})

test('without a cache, the first request after a long pause is already refused a withdrawn key', async () => {
  const [leaked, successor] = await Promise.all([newKey(), newKey()])
  publish(leaked)
  const verifier = newVerifier()
  const token = await leaked.issue()
  await verifier.verify(token)
  publish(successor)
  clockMs += 60 * MINUTE_MS
  expect(await verdict(verifier.verify(token))).toBe('INVALID')
})

describe('while the keys are out of reach', () => {
  test('the loaded ones stay in use, and attempts become rarer', async () => {
    const key = await newKey()
    publish(key)
    const verifier = newVerifier()
    await verifier.verify(await key.issue())
    outage = true
    clockMs += 5 * MINUTE_MS
    for (let second = 0; second < 600; second++) {
      clockMs += 1000
      await verifier.verify(await key.issue())
    }
    const attempts = requests - 1
    expect(attempts).toBeGreaterThan(5)
    expect(attempts).toBeLessThan(20)
    outage = false
    clockMs += MINUTE_MS
    await verifier.verify(await key.issue())
    expect(requests).toBe(attempts + 2)
  })

  test('a first token gets SERVICE_UNAVAILABLE and not UNAUTHENTICATED, which would sign people out', async () => {
    const key = await newKey()
    publish(key)
    outage = true
    const verifier = newVerifier()
    const token = await key.issue()
    const error = (await verifier.verify(token).catch((error: unknown) => error)) as AuthError
    expect([error.code, error.status, error.extensions.retryAfter, error.headers]).toEqual([
      'SERVICE_UNAVAILABLE',
      503,
      1,
      { 'retry-after': '1' },
    ])
    expect(await verdict(verifier.verify(token))).toBe('SERVICE_UNAVAILABLE')
    expect(requests).toBe(1)
    outage = false
    clockMs += 1000
    expect(await verdict(verifier.verify(token))).toBe('VALID')
  })

  test('a token of an unknown key gets SERVICE_UNAVAILABLE, because the key may be new', async () => {
    const [old, successor] = await Promise.all([newKey(), newKey()])
    publish(old)
    const verifier = newVerifier()
    await verifier.verify(await old.issue())
    outage = true
    clockMs += 11_000
    expect(await verdict(verifier.verify(await successor.issue()))).toBe('SERVICE_UNAVAILABLE')
    expect(await verdict(verifier.verify(await old.issue()))).toBe('VALID')
  })

  test.each([
    ['an error', 500, { keys: [] }],
    ['a page', 200, '<html>'],
    ['nothing', 200, null],
  ])('because the address answers with %s', async (_name, given, body) => {
    const key = await newKey()
    published = body
    status = given
    expect(await verdict(newVerifier().verify(await key.issue()))).toBe('SERVICE_UNAVAILABLE')
  })
})

test('keys for other purposes and of other kinds are not used and do no harm', async () => {
  const [key, encrypting, other] = await Promise.all([newKey(), newKey(), newKey()])
  const rsa = { kty: 'RSA', n: 'AQAB', e: 'AQAB', kid: 'rsa', alg: 'RS256' }
  published = {
    keys: [null, 7, rsa, { ...encrypting.jwk, use: 'enc' }, { ...other.jwk, alg: 'ES512' }, key.jwk],
  }
  const verifier = newVerifier()
  expect(await verdict(verifier.verify(await key.issue()))).toBe('VALID')
  expect(await verdict(verifier.verify(await encrypting.issue()))).toBe('INVALID')
  expect(await verdict(verifier.verify(await other.issue()))).toBe('INVALID')
})
