import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { authorizationUrl } from '../../../src/credentials/provider/authorize.ts'
import { boundedFetch } from '../../../src/credentials/provider/bounded-fetch.ts'
import { FetchFailure } from '../../../src/credentials/provider/failure.ts'
import { redirectUriOf } from '../../../src/credentials/provider/provider.ts'
import { ADA, type Bend, type FakeProvider, startFakeProvider } from '../../support/fake-provider.ts'
import { FLOW, type ProtocolApp, protocolApp, refusalOf, signInAt } from '../../support/provider-app.ts'

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
const start = ({ app, provider }: ProtocolApp) =>
  authorizationUrl(app, provider, { ...FLOW, redirectUri: redirectUriOf(app, provider) })

const WELL_KNOWN = '/.well-known/openid-configuration'

/** Answers the requests to a path in another way. */
const at = (path: string, answer: NonNullable<Bend['answer']>): Bend => ({
  answer: (request, response) => request.path.startsWith(path) && answer(request, response),
})

const endless: NonNullable<Bend['answer']> = (_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' })
  const chunk = Buffer.alloc(64 * 1024, 32)
  const more = () => {
    while (!response.destroyed && response.write(chunk));
  }
  response.on('drain', more)
  more()
  return true
}

const slow: NonNullable<Bend['answer']> = (_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' })
  const drip = setInterval(() => response.write(' '), 200)
  response.on('close', () => clearInterval(drip))
  return true
}

const redirecting: NonNullable<Bend['answer']> = (_request, response) => {
  response.writeHead(307, { location: `${fake.origin}/elsewhere` }).end()
  return true
}

test.each([
  ['metadata', WELL_KNOWN],
  ['token', '/token'],
  ['key set', '/jwks'],
])('an endless %s response is refused after 1 MiB', async (_what, path) => {
  fake.bend = at(path, endless)
  const before = process.memoryUsage().arrayBuffers
  expect(await refusalOf(signInAt(corp(), fake))).toBe('PROVIDER_FAILED: response too large')
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024)
})

test('a response that drips is given up after 5 seconds', async () => {
  fake.bend = at('/token', slow)
  const began = performance.now()
  expect(await refusalOf(signInAt(corp(), fake))).toBe('PROVIDER_FAILED: timeout')
  expect(performance.now() - began).toBeGreaterThan(4000)
  expect(performance.now() - began).toBeLessThan(9000)
})

test.each([
  ['metadata', WELL_KNOWN],
  ['token', '/token'],
  ['key set', '/jwks'],
])('a redirect of the %s endpoint is not followed', async (_what, path) => {
  fake.bend = at(path, redirecting)
  expect(await refusalOf(signInAt(corp(), fake))).toBe('PROVIDER_FAILED: redirect')
  expect(fake.requests.map(request => request.path)).not.toContain('/elsewhere')
})

test('compressed responses count by what they decompress to', async () => {
  const bomb = gzipSync(Buffer.alloc(20 * 1024 * 1024, 32))
  fake.bend = at('/token', (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(bomb)
    return true
  })
  expect(await refusalOf(signInAt(corp(), fake))).toBe('PROVIDER_FAILED: response too large')
})

/** Metadata in this encoding, which the server has not asked for. */
const metadataIn = (encoding: string, encode: (body: Buffer) => Buffer) =>
  at(WELL_KNOWN, (_request, response) => {
    const body = encode(Buffer.from(JSON.stringify(fake.metadata())))
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': encoding }).end(body)
    return true
  })

const ENCODERS = {
  gzip: gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
  identity: (body: Buffer) => body,
}

test.each(Object.keys(ENCODERS) as (keyof typeof ENCODERS)[])(
  'a response that is encoded with %s, although the server did not ask for it, is read',
  async encoding => {
    fake.bend = metadataIn(encoding, ENCODERS[encoding])
    expect((await start(corp())).origin).toBe(fake.origin)
  },
)

test.each([
  ['is cut off', 'gzip', (body: Buffer) => gzipSync(body).subarray(0, -20)],
  ['has an unknown encoding', 'rot13', (body: Buffer) => body],
])('a response that %s is not used', async (_what, encoding, encode) => {
  fake.bend = metadataIn(encoding, encode)
  expect(await refusalOf(start(corp()))).toBe('PROVIDER_FAILED: unreachable')
})

test('requests that follow each other share connections', async () => {
  const ports = new Set<number>()
  const app = corp()
  fake.bend = at('/', (_request, response) => {
    ports.add(response.socket?.remotePort ?? 0)
    return false
  })
  for (let round = 0; round < 8; round++) await signInAt(app, fake)
  expect(fake.requests.length).toBeGreaterThan(9)
  // A request that follows immediately can open a second one.
  expect(ports.size).toBeLessThanOrEqual(2)
})

test('in production, nothing is fetched without encryption, not even from this machine', async () => {
  const failure = await boundedFetch(true)(`${fake.origin}/jwks`).catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(FetchFailure)
  expect(failure).toMatchObject({ check: 'insecure address' })
  expect(fake.requests).toEqual([])
})

test.each(['token_endpoint', 'jwks_uri'])(
  'metadata cannot lead the server to an unencrypted %s elsewhere',
  async endpoint => {
    fake.bend.metadata = metadata => ({ ...metadata, [endpoint]: 'http://169.254.169.254/latest' })
    expect(await refusalOf(signInAt(corp(), fake))).toBe('PROVIDER_FAILED: insecure address')
  },
)

test.each(['http://evil.example/authorize', 'javascript:alert(1)', 'data:text/html,x'])(
  'metadata cannot send people to %s',
  async authorization_endpoint => {
    fake.bend.metadata = metadata => ({ ...metadata, authorization_endpoint })
    expect(await refusalOf(start(corp()))).toMatch(/^PROVIDER_FAILED/)
  },
)

test('metadata that names another issuer is refused', async () => {
  fake.bend.metadata = metadata => ({ ...metadata, issuer: 'https://evil.example' })
  expect(await refusalOf(start(corp()))).toBe('PROVIDER_FAILED: discovery')
})

test('metadata is fetched once, however many people start at the same time', async () => {
  const app = corp()
  await Promise.all(Array.from({ length: 50 }, () => start(app)))
  await start(app)
  expect(fake.requests.filter(({ path }) => path === WELL_KNOWN)).toHaveLength(1)
})

const down: NonNullable<Bend['answer']> = (_request, response) => {
  response.writeHead(503).end()
  return true
}

test('while a provider is down, what is known of it stays in use', async () => {
  const app = corp()
  await start(app)
  app.clock.advance(2 * 3600)
  fake.bend = at(WELL_KNOWN, down)
  expect((await start(app)).origin).toBe(fake.origin)
  await app.app.discovered.get('corp authograph')?.pending?.catch(() => {})
  expect((await start(app)).origin).toBe(fake.origin)
  expect(app.logged.join()).toContain('could not be reached')
})

test('a provider that was down is found again without a restart, and is asked at most every 5 seconds', async () => {
  const app = corp()
  fake.bend = at(WELL_KNOWN, down)
  for (let attempt = 0; attempt < 20; attempt++) {
    expect(await refusalOf(start(app))).toBe('PROVIDER_FAILED: discovery')
  }
  expect(fake.requests).toHaveLength(1)
  fake.bend = {}
  app.clock.advance(6)
  expect((await start(app)).origin).toBe(fake.origin)
})

test('a key that the provider has added is found, and unknown keys do not make the server fetch the keys each time', async () => {
  const app = corp()
  fake.bend.sign = claims => fake.sign(claims, { kid: 'unknown' })
  for (let attempt = 0; attempt < 5; attempt++) {
    expect(await refusalOf(signInAt(app, fake))).toBe('PROVIDER_FAILED: signature')
  }
  expect(fake.requests.filter(({ path }) => path === '/jwks')).toHaveLength(1)
  fake.bend = {}
  expect(await signInAt(app, fake)).toMatchObject({ subject: ADA.sub })
})

test('a provider that cannot be connected to is unreachable, not a fault of the server', async () => {
  const gone = await startFakeProvider()
  await gone.stop()
  expect(await refusalOf(start(protocolApp(gone.settings())))).toBe('PROVIDER_FAILED: unreachable')
})
