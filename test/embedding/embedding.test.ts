import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ApolloServer } from '@apollo/server'
import { startStandaloneServer } from '@apollo/server/standalone'
import { fastifyApolloHandler } from '@as-integrations/fastify'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
// @ts-expect-error Express has no types of its own.
import express from 'express'
import Fastify from 'fastify'
import { createClient } from 'graphql-sse'
import { createServiceAccount } from '../../src/admin/services/create-service-account.ts'
import { accessTokenHash } from '../../src/dpop/proof.ts'
import {
  AuthError,
  type Authograph,
  type Context,
  Ctx,
  Query,
  Resolver,
  Root,
  Subscription,
  startServer,
} from '../../src/index.ts'
import { newAddress, PASSWORD } from '../support/actors.ts'
import { freshProof, newKey } from '../support/bound-client.ts'
import { eventually } from '../support/eventually.ts'
import { forge, type Json } from '../support/forge.ts'
import { Login, Register } from '../support/operations.ts'
import { codes, type Embedded, embed, SECRET, type Service, send } from '../support/service.ts'

const PUBLIC_URL = 'http://localhost:4000/auth'
const FORWARDED = { 'x-forwarded-for': '203.0.113.7' }
const SOCKET = /^(127\.0\.0\.1|::1)$/

@Resolver()
class OwnResolver {
  @Query(() => String, { description: 'What the context of the program says.' })
  agent(@Ctx() { agent, app }: Context & { agent: string }): string {
    return `${agent} on ${app.config.publicUrl}`
  }
}

/** Gives the next event to the streams that wait for one. */
const waiting = new Set<(tick: string) => void>()

@Resolver()
class TicksResolver {
  @Query(() => Boolean, { description: 'For a test.' })
  ticking(): boolean {
    return true
  }

  @Subscription(() => String, {
    description: 'For a test.',
    subscribe: () => newTicks(),
  })
  ticks(@Root() tick: string): string {
    return tick
  }
}

/** Waits for ticks until the stream ends. */
function newTicks(): AsyncIterableIterator<string> {
  let wake: ((tick: string) => void) | undefined
  let end: (() => void) | undefined
  return {
    [Symbol.asyncIterator]() {
      return this
    },
    next: () =>
      new Promise(resolve => {
        const stop = () => {
          if (wake) waiting.delete(wake)
        }
        wake = tick => {
          stop()
          resolve({ done: false, value: tick })
        }
        end = () => {
          stop()
          resolve({ done: true, value: undefined })
        }
        waiting.add(wake)
      }),
    return: async () => {
      end?.()
      return { done: true, value: undefined }
    },
  }
}

type Next = (error?: unknown) => void
type ExpressRequest = IncomingMessage & AsyncIterable<Uint8Array>
type ExpressResponse = {
  status(code: number): ExpressResponse
  json(body: unknown): void
  send(body: string): void
}
type Handler = (request: ExpressRequest, response: ExpressResponse & ServerResponse, next: Next) => unknown
type ErrorHandler = (
  error: unknown,
  request: ExpressRequest,
  response: ExpressResponse,
  next: Next,
) => unknown
type Express = {
  use(path: string, handler: Handler): Express
  use(...handlers: Handler[]): Express
  use(handler: ErrorHandler): Express
  all(path: string, handler: Handler): Express
  get(path: string, handler: Handler): Express
  set(name: string, value: unknown): Express
}

let embedded: Embedded
let auth: Authograph
beforeAll(async () => {
  embedded = await embed({
    publicUrl: PUBLIC_URL,
    providers: [{ id: 'corp', issuer: 'http://localhost:1', clientId: 'authograph' }],
  })
  auth = embedded.auth
})
afterAll(() => embedded.close())

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  await Promise.all(closing.splice(0).map(close => close()))
  expect(embedded.logged.splice(0)).toEqual([])
})

/** Listens until the test ends, and returns the address. */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(async () => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function serveExpress(build: (app: Express) => void): Promise<string> {
  const app: Express = express()
  build(app)
  app.get('/notes', (_request, response) => void response.json(['a note']))
  app.use((_request, response) => void response.status(404).send('not here'))
  return serve(app as unknown as RequestListener)
}

async function serveFastify(
  options: { trustProxy?: boolean | string } = {},
  paths = ['/auth'],
): Promise<string> {
  const server = Fastify({ ...options, bodyLimit: 10 })
  for (const prefix of paths) await server.register(auth.fastifyPlugin, { prefix })
  server.get('/notes', async () => ['a note'])
  server.setNotFoundHandler((_request, reply) => void reply.code(404).send('not here'))
  closing.push(() => server.close())
  return server.listen({ host: '127.0.0.1', port: 0 })
}

const servers: Record<string, () => Promise<string>> = {
  'Express, with use': () => serveExpress(app => app.use('/auth', auth.nodeHandler)),
  'Express, with a route': () => serveExpress(app => app.all('/auth/*splat', auth.nodeHandler)),
  'Express, at the root': () => serveExpress(app => app.use(auth.nodeHandler)),
  'Express, after its parsers': () =>
    serveExpress(app =>
      app.use(express.json(), express.urlencoded(), express.text()).use('/auth', auth.nodeHandler),
    ),
  'node:http': () =>
    serve((request, response) => {
      if (request.url?.startsWith('/auth/')) return auth.nodeHandler(request, response)
      response.statusCode = request.url === '/notes' ? 200 : 404
      response.end(request.url === '/notes' ? '["a note"]' : 'not here')
    }),
  Fastify: () => serveFastify(),
}

describe.each(Object.entries(servers))('in %s', (name, start) => {
  test('people sign in below the prefix, keep their session in a cookie, and other routes of the server remain', async () => {
    const url = await start()
    const email = newAddress()
    const registered = await send(`${url}/auth`, Register, { input: { email, password: PASSWORD } })
    expect(registered.data?.register.__typename).toBe('AuthPayload')
    const input = { identifier: email, password: PASSWORD, tokenTransport: 'COOKIE' } as const
    const signedIn = await send(`${url}/auth`, Login, { input })
    const cookies = signedIn.headers.getSetCookie()
    expect(cookies).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^authograph_refresh=\S+; Path=\/; Expires=.+; HttpOnly; SameSite=Strict$/),
      ]),
    )
    const cookie = cookies.map(each => each.split(';')[0]).join('; ')
    const headers = { cookie, origin: 'http://localhost:4000' }
    const refresh = 'mutation { refreshToken { accessToken } }'
    const refreshed = await send<{ refreshToken: { accessToken: string } }, object>(
      `${url}/auth`,
      refresh,
      {},
      { headers },
    )
    const token = refreshed.data?.refreshToken.accessToken
    expect((await send(`${url}/auth`, '{ me { email } }', {}, { token })).data).toEqual({ me: { email } })
    const own = await fetch(`${url}/notes`)
    expect([own.status, await own.json()]).toEqual([200, ['a note']])
  })

  test('verifiers find the keys under the public address', async () => {
    const url = await start()
    const metadata = await (await fetch(`${url}/auth/.well-known/openid-configuration`)).json()
    expect(metadata).toMatchObject({ issuer: PUBLIC_URL, jwks_uri: `${PUBLIC_URL}/.well-known/jwks.json` })
    const keys = await fetch(`${url}/auth/.well-known/jwks.json`)
    expect([keys.status, await keys.json()]).toEqual([
      200,
      { keys: [expect.objectContaining({ kty: 'EC' })] },
    ])
  })

  test('providers reach their addresses, with a form that is read once', async () => {
    const url = await start()
    // The token is read: without one, the answer would be 400. The provider's keys are out of reach.
    const response = await fetch(`${url}/auth/sign-in/backchannel-logout/corp`, {
      method: 'POST',
      body: new URLSearchParams({ logout_token: 'eyJhbGciOiJFUzI1NiIsInR5cCI6ImxvZ291dCtqd3QifQ.e30.AA' }),
    })
    expect(response.status).toBe(503)
    embedded.logged.splice(0)
  })

  test('the server goes on with what has no route, unless it leaves that to Authograph', async () => {
    const url = await start()
    const unknown = await fetch(`${url}/auth/nothing`, { method: 'POST', body: '{}' })
    expect(unknown.status).toBe(404)
    const text = await unknown.text()
    if (name === 'node:http')
      expect(JSON.parse(text)).toMatchObject({ errors: [{ extensions: { code: 'NOT_FOUND' } }] })
    else expect(text).toBe('not here')
    expect(await (await fetch(`${url}/elsewhere`)).text()).toBe('not here')
    const preflight = await fetch(`${url}/notes`, { method: 'OPTIONS' })
    expect(preflight.headers.get('access-control-allow-credentials')).toBeNull()
  })

  test('a body above the limit is refused, and a broken one is', async () => {
    const url = await start()
    const post = async (body: string) => {
      const headers = { 'content-type': 'application/json' }
      return (await fetch(`${url}/auth/graphql`, { method: 'POST', headers, body })).status
    }
    expect(await post(JSON.stringify({ query: `{ me { id } } #${'x'.repeat(70_000)}` }))).toBe(413)
    expect(await post('{')).toBe(400)
  })
})

test('in Fastify, hooks for requests and for finished responses run, and requests can be injected', async () => {
  const server = Fastify()
  const ran: string[] = []
  server.addHook('onRequest', async ({ url }) => void ran.push(`request ${url}`))
  server.addHook('onResponse', async (_request, { raw }) => void ran.push(`response ${raw.statusCode}`))
  await server.register(auth.fastifyPlugin, { prefix: '/auth' })
  closing.push(() => server.close())
  const payload = { query: '{ authSettings { registrationOpen } }' }
  const response = await server.inject({ method: 'POST', url: '/auth/graphql', payload })
  expect(response.json()).toEqual({ data: { authSettings: { registrationOpen: true } } })
  expect(response.headers['content-security-policy']).toContain("default-src 'none'")
  await eventually(() => ran.length === 2)
  expect(ran).toEqual(['request /auth/graphql', 'response 200'])
  expect((await server.inject('/auth')).headers.location).toBe('/auth/graphql')
})

test('what browsers look up at the root of the domain can be mounted there', async () => {
  const path = '/.well-known/oauth-authorization-server/auth'
  const inExpress = await serveExpress(app => app.use('/.well-known', auth.nodeHandler))
  const inFastify = await serveFastify({}, ['/auth', '/.well-known'])
  for (const url of [inExpress, inFastify]) {
    expect(await (await fetch(url + path)).json()).toMatchObject({ issuer: PUBLIC_URL })
    expect(await (await fetch(`${url}/.well-known/security.txt`)).text()).toBe('not here')
  }
})

test('a body that other middleware has read and kept from us is an error, not a request without an end', async () => {
  const url = await serveExpress(app => {
    app.use(async (request, _response, next) => {
      for await (const _chunk of request);
      next()
    })
    app.use('/auth', auth.nodeHandler)
  })
  const reply = await send(`${url}/auth`, '{ me { id } }')
  expect([reply.status, codes(reply)]).toEqual([500, ['INTERNAL_SERVER_ERROR']])
  expect(embedded.logged.splice(0).join()).toContain('Mount Authograph before the middleware that reads it.')
})

describe.each(['Express', 'Fastify'])('below the prefix in %s', kind => {
  let own: Embedded
  beforeAll(async () => {
    own = await embed({ publicUrl: PUBLIC_URL, resolvers: [TicksResolver] })
  })
  afterAll(() => own.close())
  const start = async () => {
    if (kind === 'Express')
      return serveExpress(app => app.use(express.json()).use('/auth', own.auth.nodeHandler))
    const server = Fastify()
    await server.register(own.auth.fastifyPlugin, { prefix: '/auth' })
    closing.push(() => server.close())
    return server.listen({ host: '127.0.0.1', port: 0 })
  }

  test('a subscription streams its events as they happen, and ends with its client and with Authograph', async () => {
    const url = `${await start()}/auth/graphql/stream`
    const open = () => {
      const client = createClient({ url, retryAttempts: 0 })
      const seen: unknown[] = []
      const state = { seen, ended: false, stop: () => {} }
      const end = () => {
        state.ended = true
      }
      const sink = {
        next: ({ data }: { data?: unknown }) => void seen.push(data),
        error: end,
        complete: end,
      }
      state.stop = client.subscribe({ query: 'subscription { ticks }' }, sink)
      return state
    }
    const first = open()
    for (const tick of ['one', 'two']) {
      await eventually(() => waiting.size === 1)
      for (const wake of waiting) wake(tick)
      // The stream is open: each event arrives before the next one happens.
      await eventually(() => (first.seen.at(-1) as { ticks?: string } | undefined)?.ticks === tick)
    }
    first.stop()
    await eventually(() => waiting.size === 0)
    const second = open()
    await eventually(() => waiting.size === 1)
    await own.auth.close()
    await eventually(() => second.ended && waiting.size === 0)
    own = await embed({ publicUrl: PUBLIC_URL, resolvers: [TicksResolver] })
  })

  test('a service account finds the endpoints from the issuer, and uses them', async () => {
    const url = await start()
    const { service, secret } = await createServiceAccount(own.auth.app, { name: randomUUID() }, undefined)
    const metadata = (await (
      await fetch(`${url}/auth/.well-known/oauth-authorization-server`)
    ).json()) as Record<string, string>
    const authorization = `Basic ${Buffer.from(`${service.id}:${secret}`).toString('base64')}`
    const post = async (endpoint: string, form: Record<string, string>, headers = { authorization }) => {
      expect(metadata[endpoint]).toMatch(PUBLIC_URL)
      const address = url + new URL(metadata[endpoint] ?? '').pathname
      const response = await fetch(address, { method: 'POST', body: new URLSearchParams(form), headers })
      const text = await response.text()
      return [response.status, text && JSON.parse(text)]
    }
    const grant = { grant_type: 'client_credentials' }
    const [status, { access_token: token }] = await post('token_endpoint', grant)
    expect(status).toBe(200)
    expect(await post('introspection_endpoint', { token })).toMatchObject([
      200,
      { active: true, iss: PUBLIC_URL },
    ])
    expect(await post('revocation_endpoint', { token })).toEqual([200, ''])
    expect(await post('introspection_endpoint', { token })).toEqual([200, { active: false }])
    const wrong = { authorization: `Basic ${Buffer.from(`${service.id}:x`).toString('base64')}` }
    expect(await post('token_endpoint', grant, wrong)).toMatchObject([401, { error: 'invalid_client' }])
    expect(await post('token_endpoint', {})).toMatchObject([400, { error: 'invalid_request' }])
  })
})

test('two instances on one host keep apart the cookies of a browser that uses both', async () => {
  const staff = await embed({ publicUrl: 'http://localhost:4000/staff', cookiePrefix: 'staff' })
  closing.push(() => staff.close())
  const url = await serveExpress(app =>
    app.use('/auth', auth.nodeHandler).use('/staff', staff.auth.nodeHandler),
  )
  const jar = new Map<string, string>()
  const keep = (headers: Headers) => {
    for (const line of headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      jar.set(name, value)
    }
  }
  const signUp = async (path: string) => {
    const input = { email: newAddress(), password: PASSWORD, tokenTransport: 'COOKIE' } as const
    const { data, headers } = await send(url + path, Register, { input })
    keep(headers)
    return data?.register.__typename === 'AuthPayload' ? data.register.user.id : undefined
  }
  const [customer, employee] = [await signUp('/auth'), await signUp('/staff')]
  expect([...jar.keys()].sort()).toEqual([
    'authograph_device',
    'authograph_refresh',
    'staff_device',
    'staff_refresh',
  ])
  const who = async (path: string) => {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = { cookie, origin: 'http://localhost:4000' }
    const reply = await send<{ refreshToken: { user: { id: string } } }, object>(
      url + path,
      'mutation { refreshToken { user { id } } }',
      {},
      { headers },
    )
    keep(reply.headers)
    return reply.data?.refreshToken.user.id
  }
  for (let time = 0; time < 2; time++)
    expect([await who('/auth'), await who('/staff')]).toEqual([customer, employee])
  for (const cookiePrefix of ['Staff', 'a b', 'x;', '__Host-x'])
    await expect(embed({ cookiePrefix })).rejects.toThrow('cookiePrefix: must have 1 to 40 characters')
})

describe('the address of a client', () => {
  async function addressSeen(url: string, headers = FORWARDED): Promise<unknown> {
    const input = { email: newAddress(), password: PASSWORD }
    const { data } = await send(`${url}/auth`, Register, { input }, { headers })
    return data?.register.__typename === 'AuthPayload' ? data.register.session.ipAddress : undefined
  }
  const inExpress = (trust?: unknown) =>
    serveExpress(app => {
      if (trust !== undefined) app.set('trust proxy', trust)
      app.use('/auth', auth.nodeHandler)
    })

  test('is that of the connection, unless the server around trusts a proxy', async () => {
    expect(await addressSeen(await inExpress())).toMatch(SOCKET)
    expect(await addressSeen(await serveFastify())).toMatch(SOCKET)
    expect(await addressSeen(await serve(auth.nodeHandler))).toMatch(SOCKET)
  })

  test('is what the server around takes from the proxies that it names', async () => {
    for (const trust of ['loopback', 1]) expect(await addressSeen(await inExpress(trust))).toBe('203.0.113.7')
    expect(await addressSeen(await serveFastify({ trustProxy: '127.0.0.1' }))).toBe('203.0.113.7')
  })

  test('is not what the client claims where the server around trusts everyone, and the log says so', async () => {
    expect(await addressSeen(await inExpress(true))).toMatch(SOCKET)
    expect(await addressSeen(await serveFastify({ trustProxy: true }))).toMatch(SOCKET)
    const logged = embedded.logged.splice(0)
    expect(logged).toEqual([expect.stringContaining('trusts every proxy')])
  })
})

test('the log names a path that differs from that of PUBLIC_URL, once', async () => {
  const url = await serveExpress(app => app.use('/elsewhere', auth.nodeHandler))
  for (let time = 0; time < 2; time++) expect((await fetch(`${url}/elsewhere/healthz`)).status).toBe(200)
  expect(embedded.logged.splice(0)).toEqual([expect.stringContaining('"path":"/elsewhere"')])
})

describe('a route of the program’s own', () => {
  const inExpress = () =>
    serveExpress(app => {
      app.use('/auth', auth.nodeHandler)
      app.get('/me', async (request, response) => response.json((await auth.viewer(request)).account.id))
      app.get('/all', async (request, response) =>
        response.json((await auth.viewer(request, 'users:read')).account.id),
      )
      app.use((error: unknown, _request: unknown, response: ExpressResponse, _next: Next) => {
        response.status(401).json(error instanceof AuthError ? [error.code, error.extensions] : String(error))
      })
    })

  test('requires the proof of a key from a token that is bound to one, for the address by PUBLIC_URL', async () => {
    const url = await inExpress()
    const service = { app: auth.app } as Service
    const key = newKey()
    const input = { email: newAddress(), password: PASSWORD }
    const headers = { dpop: freshProof(service, key) }
    const payload = (await send(`${url}/auth`, Register, { input }, { headers })).data?.register
    if (payload?.__typename !== 'AuthPayload') throw new Error('not signed in')
    const token = forge(service, payload.accessToken, { claims: { cnf: { jkt: key.thumbprint } } })
    const ath = accessTokenHash(token)
    const get = async (claims: Json = {}): Promise<unknown> => {
      const { origin } = new URL(PUBLIC_URL)
      const dpop = freshProof(service, key, { ath, htm: 'GET', htu: `${origin}/me`, ...claims })
      const response = await fetch(`${url}/me?page=2`, { headers: { authorization: `DPoP ${token}`, dpop } })
      return response.json()
    }
    expect(await get()).toBe(payload.user.id)
    for (const claims of [
      { htm: 'POST' },
      { htu: `${url}/me` },
      { htu: `${PUBLIC_URL}/me` },
      { ath: undefined },
    ])
      expect(await get(claims)).toEqual(['UNAUTHENTICATED', { reason: 'DPOP_INVALID' }])
  })

  test('knows who makes the request, by the rules of @Authorized', async () => {
    const url = await inExpress()
    const get = async (path: string, token?: string): Promise<unknown> => {
      const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {}
      return (await fetch(url + path, { headers })).json()
    }
    const input = { email: newAddress(), password: PASSWORD }
    const payload = (await send(`${url}/auth`, Register, { input })).data?.register
    if (payload?.__typename !== 'AuthPayload') throw new Error('not signed in')
    const { accessToken: token, user } = payload
    expect(await get('/me', token)).toBe(user.id)
    expect(await get('/me')).toEqual(['UNAUTHENTICATED', { reason: 'MISSING' }])
    for (let time = 0; time < 2; time++) expect(await get('/all', token)).toEqual(['FORBIDDEN', {}])
    const denied = { actorId: user.id, action: 'access.denied' }
    expect(await auth.app.db.auditEvent.findMany({ where: denied })).toEqual([
      expect.objectContaining({ detail: { field: 'Route.users:read' } }),
    ])
    await auth.app.db.userRole.create({ data: { userId: user.id, roleName: 'admin' } })
    expect(await get('/all', token)).toBe(user.id)
    await send(`${url}/auth`, 'mutation { logout }', {}, { token })
    expect(await get('/me', token)).toEqual(['UNAUTHENTICATED', { reason: 'REVOKED' }])
  })
})

describe('a GraphQL server of the program’s own', () => {
  const large = `{ ${Array.from({ length: 31 }, (_, index) => `a${index}: __typename`).join(' ')} }`

  function apolloServer() {
    return new ApolloServer({
      schema: auth.schema,
      formatError: auth.formatError,
      validationRules: auth.validationRules,
      plugins: auth.plugins,
    })
  }

  async function standalone(): Promise<string> {
    const apollo = apolloServer()
    closing.push(() => apollo.stop())
    const { url } = await startStandaloneServer(apollo, { context: auth.context, listen: { port: 0 } })
    return url.replace(/\/$/, '')
  }

  async function onFastify(): Promise<string> {
    const apollo = apolloServer()
    await apollo.start()
    const server = Fastify()
    closing.push(() => server.close())
    server.post('/graphql', fastifyApolloHandler(apollo, { context: auth.context }))
    return server.listen({ host: '127.0.0.1', port: 0 })
  }

  test.each([
    ['the standalone server', standalone],
    ['Fastify', onFastify],
  ])('signs people in and guards operations as Authograph does: %s', async (_name, start) => {
    const url = await start()
    const input = { email: newAddress(), password: PASSWORD, tokenTransport: 'COOKIE' } as const
    const registered = await send(url, Register, { input })
    const payload = registered.data?.register
    if (payload?.__typename !== 'AuthPayload') throw new Error('not signed in')
    expect(registered.headers.getSetCookie().map(cookie => cookie.split('=')[0])).toEqual(
      expect.arrayContaining(['authograph_refresh', 'authograph_device']),
    )
    expect(payload.session.ipAddress).toMatch(SOCKET)
    const { accessToken: token } = payload
    expect((await send(url, '{ me { email } }', {}, { token })).data).toEqual({ me: { email: input.email } })
    const refused = await send(url, '{ users { totalCount } }', {}, { token })
    expect(refused.errors).toEqual([
      {
        message: expect.any(String),
        path: ['users'],
        locations: expect.any(Array),
        extensions: { code: 'FORBIDDEN' },
      },
    ])
    expect(codes(await send(url, '{ me { id } }'))).toEqual(['UNAUTHENTICATED'])
    expect(codes(await send(url, large, {}, { token }))).toEqual(['QUERY_TOO_COMPLEX'])
  })
})

describe('values and plugins of the program', () => {
  test('reach resolvers with every request, in its own servers too, and cannot replace those of Authograph', async () => {
    const seen: string[] = []
    const own = await embed({
      resolvers: [OwnResolver],
      context: (request, base) => ({
        agent: request.headers['user-agent'],
        app: 'mine',
        request: base.request,
      }),
      apollo: { plugins: [{ requestDidStart: async ({ request }) => void seen.push(request.query ?? '') }] },
      fastify: server => {
        server.get('/hello', async () => ({ hello: 'there' }))
        server.addHook('onRequest', async (_request, reply) => void reply.header('x-own', 'yes'))
      },
    })
    closing.push(() => own.close())
    const url = await serve(own.auth.nodeHandler)
    const headers = { 'user-agent': 'a robot' }
    const reply = await send(url, '{ agent }', {}, { headers })
    expect([reply.data, reply.headers.get('x-own')]).toEqual([
      { agent: 'a robot on http://localhost:4000' },
      'yes',
    ])
    expect(seen).toEqual(['{ agent }'])
    expect(await (await fetch(`${url}/hello`)).json()).toEqual({ hello: 'there' })
    const apollo = new ApolloServer<Context>({ schema: own.auth.schema })
    closing.push(() => apollo.stop())
    const { url: other } = await startStandaloneServer(apollo, {
      context: own.auth.context,
      listen: { port: 0 },
    })
    expect((await send(other.replace(/\/$/, ''), '{ agent }', {}, { headers })).data).toEqual(reply.data)
  })
})

test('startServer takes the same options, and answers whether or not a proxy keeps the path of PUBLIC_URL', async () => {
  const server = await startServer({
    nodeEnv: 'test',
    port: 0,
    web: false,
    mail: false,
    signals: false,
    publicUrl: PUBLIC_URL,
    databaseUrl: auth.app.config.database.url,
    authographSecret: SECRET,
    log: auth.app.log,
    resolvers: [OwnResolver],
    context: request => ({ agent: request.method }),
    fastify: server => void server.get('/hello', async () => ['hello']),
  })
  closing.push(() => server.close())
  for (const url of [server.url, `${server.url}/auth`]) {
    expect((await send(url, '{ agent }')).data).toEqual({ agent: `POST on ${PUBLIC_URL}` })
    expect(await (await fetch(`${url}/hello`)).json()).toEqual(['hello'])
  }
  const landing = await fetch(`${server.url}/auth`, { redirect: 'manual' })
  expect(landing.headers.get('location')).toBe('/auth/graphql')
})

describe('closing', () => {
  test('answers the request in progress, refuses new ones, and leaves another instance and the process alone', async () => {
    const listeners = process.listenerCount('SIGTERM')
    const own = await embed({ argon2MemoryKib: 65_536, argon2TimeCost: 10 })
    closing.push(() => own.close())
    expect(process.listenerCount('SIGTERM')).toBe(listeners)
    const url = await serve(own.auth.nodeHandler)
    const input = { email: newAddress(), password: PASSWORD }
    const inProgress = send(url, Register, { input })
    await eventually(() => own.auth.app.hasher.load.active > 0)
    const closed = own.auth.close()
    const refused = await send(url, '{ me { id } }')
    expect([refused.status, codes(refused), refused.headers.get('retry-after')]).toEqual([
      503,
      ['SERVICE_UNAVAILABLE'],
      '2',
    ])
    expect((await inProgress).data?.register.__typename).toBe('AuthPayload')
    await closed
    await own.auth.close()
    await expect(own.auth.app.db.user.count()).rejects.toThrow()
    const other = await serveFastify()
    expect(codes(await send(`${other}/auth`, '{ me { id } }'))).toEqual(['UNAUTHENTICATED'])
  })

  test('happens on a signal only if the program asks for it', async () => {
    const listeners = process.listenerCount('SIGTERM')
    const own = await embed({ signals: true })
    expect(process.listenerCount('SIGTERM')).toBe(listeners + 1)
    await own.close()
    expect(process.listenerCount('SIGTERM')).toBe(listeners)
  })
})
