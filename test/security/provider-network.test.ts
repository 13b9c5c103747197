import type { ServerResponse } from 'node:http'
import { afterAll, afterEach, describe, expect, test } from '@jest/globals'
import { signIn, signUp } from '../support/actors.ts'
import { TestClock } from '../support/clock.ts'
import { type FakeRequest, startFakeProvider } from '../support/fake-provider.ts'
import { expectRefused } from '../support/provider-attack.ts'
import { newPerson, resultOf, startSignIn } from '../support/provider-browser.ts'
import { codes, useService } from '../support/service.ts'

const clock = new TestClock()
const corp = await startFakeProvider({ clock })
/** Providers whose very first answer is bad. */
const late = await startFakeProvider({ clock })
const vast = await startFakeProvider({ clock })
const impostor = await startFakeProvider({ clock })
const moved = await startFakeProvider({ clock })
const gone = await startFakeProvider({ clock })
const fakes = { corp, late, vast, impostor, moved, gone }

const service = useService({
  clock,
  settings: Object.assign({}, ...Object.entries(fakes).map(([id, fake]) => fake.settings(id)), {
    PROVIDERS: Object.keys(fakes).join(','),
    PROVIDER_CORP_EMAIL: 'verified',
  }),
})

afterEach(() => {
  corp.bend = {}
})
afterAll(() => Promise.all(Object.values(fakes).map(fake => fake.stop())))

const MIB = 1024 * 1024
const LARGE_BYTES = 100 * MIB

/** Sends 100 MB as fast as the reader takes it, and counts what left. */
function flood(response: ServerResponse): { sent: () => number } {
  let sent = 0
  const chunk = Buffer.alloc(64 * 1024, ' ')
  const more = () => {
    while (sent < LARGE_BYTES) {
      sent += chunk.length
      if (!response.write(chunk)) return
    }
    response.end()
  }
  response.writeHead(200, { 'content-type': 'application/json' })
  response.on('drain', more)
  response.on('error', () => {})
  more()
  return { sent: () => sent }
}

const toTokens = ({ form }: FakeRequest) => form.get('grant_type') === 'authorization_code'

describe('the token endpoint', () => {
  test.each([301, 302, 303, 307, 308])('that redirects with %d is not followed', async status => {
    const reached = impostor.requests.length
    corp.bend = {
      answer: (request, response) => {
        if (!toTokens(request)) return false
        response.writeHead(status, { location: `${impostor.issuer}/token` }).end()
        return true
      },
    }
    await expectRefused(service, corp, { check: 'redirect' })
    expect(impostor.requests).toHaveLength(reached)
  })

  test('that does not answer is given up after 5 seconds', async () => {
    corp.bend = { answer: toTokens }
    const startedMs = performance.now()
    await expectRefused(service, corp, { check: 'timeout' })
    const seconds = (performance.now() - startedMs) / 1000
    expect(seconds).toBeGreaterThan(4)
    expect(seconds).toBeLessThan(10)
  })

  test('that begins to answer and never ends is given up after 5 seconds', async () => {
    let closed = false
    corp.bend = {
      answer: (request, response) => {
        if (!toTokens(request)) return false
        response.writeHead(200, { 'content-type': 'application/json' })
        const drip = setInterval(() => response.write(' '), 100)
        response.on('close', () => {
          closed = true
          clearInterval(drip)
        })
        return true
      },
    }
    const startedMs = performance.now()
    await expectRefused(service, corp, { check: 'timeout' })
    expect((performance.now() - startedMs) / 1000).toBeLessThan(10)
    expect(closed).toBe(true)
  })

  test('that answers with 100 MB is cut off within a few MiB', async () => {
    let flooded: ReturnType<typeof flood> | undefined
    corp.bend = {
      answer: (request, response) => {
        if (!toTokens(request)) return false
        flooded = flood(response)
        return true
      },
    }
    await expectRefused(service, corp, { check: 'response too large' })
    expect(flooded?.sent()).toBeGreaterThan(0)
    // What the sockets buffer is not read.
    expect(flooded?.sent()).toBeLessThan(20 * MIB)
  })

  test.each([
    ['no JSON', 'text/html', '<html>'],
    ['JSON that is no object', 'application/json', '[]'],
    ['nothing', 'application/json', ''],
    ['deep JSON', 'application/json', '['.repeat(200_000)],
    ['a prototype', 'application/json', '{"__proto__": {"id_token": "x"}}'],
  ])('that answers with %s is refused', async (_, type, body) => {
    corp.bend = {
      answer: (request, response) => {
        if (!toTokens(request)) return false
        response.writeHead(200, { 'content-type': type }).end(body)
        return true
      },
    }
    await expectRefused(service, corp, { check: '' })
  })

  test.each([400, 401, 403, 429, 500, 502])(
    'that answers %d is refused, and the next sign-in works',
    async status => {
      corp.bend = {
        answer: (request, response) => {
          if (!toTokens(request)) return false
          response.writeHead(status, { 'content-type': 'application/json' }).end('{"error":"invalid_grant"}')
          return true
        },
      }
      await expectRefused(service, corp, { check: '' })
      corp.bend = {}
      expect((await resultOf(service, corp, newPerson())).__typename).toBe('AuthPayload')
    },
  )
})

describe('discovery', () => {
  test('that names another issuer is refused', async () => {
    impostor.bend = { metadata: correct => ({ ...correct, issuer: corp.issuer }) }
    expect(codes(await startSignIn(service, { provider: 'impostor' }))).toEqual(['PROVIDER_FAILED'])
    service.logged.splice(0)
    const endpoints = await startSignIn(service, { provider: 'corp' })
    expect(new URL(endpoints.data?.startProviderSignIn.url ?? '').origin).toBe(corp.issuer)
  })

  test('that redirects is not followed', async () => {
    const reached = corp.requests.length
    moved.bend = {
      answer: (_, response) => {
        response.writeHead(302, { location: `${corp.issuer}/.well-known/openid-configuration` }).end()
        return true
      },
    }
    expect(codes(await startSignIn(service, { provider: 'moved' }))).toEqual(['PROVIDER_FAILED'])
    service.logged.splice(0)
    expect(corp.requests).toHaveLength(reached)
  })

  test('that does not answer is given up after 5 seconds, also for 20 people at the same time', async () => {
    late.bend = { answer: () => true }
    const startedMs = performance.now()
    const replies = await Promise.all(
      Array.from({ length: 20 }, () => startSignIn(service, { provider: 'late' })),
    )
    service.logged.splice(0)
    expect(replies.flatMap(codes)).toEqual(Array.from({ length: 20 }, () => 'PROVIDER_FAILED'))
    expect((performance.now() - startedMs) / 1000).toBeLessThan(10)
    expect(late.requests.length).toBeLessThan(5)
  })

  test('that answers with 100 MB is cut off within a few MiB', async () => {
    let flooded: ReturnType<typeof flood> | undefined
    vast.bend = {
      answer: (_, response) => {
        flooded = flood(response)
        return true
      },
    }
    expect(codes(await startSignIn(service, { provider: 'vast' }))).toEqual(['PROVIDER_FAILED'])
    service.logged.splice(0)
    expect(flooded?.sent()).toBeLessThan(20 * MIB)
  })
})

test('a provider that is down stops neither the server, nor passwords, nor other providers', async () => {
  gone.bend = {
    answer: (request, response) => {
      response.destroy()
      return request.path !== ''
    },
  }
  expect(codes(await startSignIn(service, { provider: 'gone' }))).toEqual(['PROVIDER_FAILED'])
  service.logged.splice(0)
  const { email } = await signUp(service)
  await signIn(service, email)
  expect((await resultOf(service, corp, newPerson())).__typename).toBe('AuthPayload')
})
