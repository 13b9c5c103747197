import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
// @ts-expect-error Express has no types of its own.
import express from 'express'
import Fastify from 'fastify'
import { guard as expressGuard, stepUp as expressStepUp, identityOf } from '../../src/verify/express.ts'
import { guard as fastifyGuard, stepUp as fastifyStepUp } from '../../src/verify/fastify.ts'
import { createVerifier, type Verifier } from '../../src/verify/index.ts'
import { EXPIRY_SECONDS, signedIn } from '../client/support.ts'
import { newRole, type SignedIn, signIn, signUp, signUpWith } from '../support/actors.ts'
import { claimsOf, forge } from '../support/forge.ts'
import { useService } from '../support/service.ts'

const service = useService({ settings: { TOKEN_CLAIMS: 'permissions' } })

type Server = { url: string; close(): Promise<unknown> }
const now = () => service.clock.now().getTime()
const RECENT = { strength: 'SINGLE', maxAgeSeconds: 300, now } as const
const STRONG = { strength: 'MULTI', maxAgeSeconds: 300, now } as const

async function startExpress(verifier: Verifier): Promise<Server> {
  const app = express()
  const answer = (request: object, response: { json(body: unknown): void }) =>
    response.json({ id: identityOf(request).userId })
  app.get('/me', expressGuard(verifier), answer)
  app.get('/users', expressGuard(verifier, 'users:read', 'users:write'), answer)
  app.get('/recent', expressGuard(verifier), expressStepUp(RECENT), answer)
  app.get('/strong', expressGuard(verifier), expressStepUp(STRONG), answer)
  const server = app.listen(0)
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  return { url: `http://localhost:${port}`, close: () => new Promise(resolve => server.close(resolve)) }
}

async function startFastify(verifier: Verifier): Promise<Server> {
  const app = Fastify()
  const answer = async (request: object) => ({ id: identityOf(request).userId })
  app.get('/me', { preHandler: fastifyGuard(verifier) }, answer)
  app.get('/users', { preHandler: fastifyGuard(verifier, 'users:read', 'users:write') }, answer)
  app.get('/recent', { preHandler: [fastifyGuard(verifier), fastifyStepUp(RECENT)] }, answer)
  app.get('/strong', { preHandler: [fastifyGuard(verifier), fastifyStepUp(STRONG)] }, answer)
  return { url: await app.listen({ host: 'localhost', port: 0 }), close: () => app.close() }
}

describe.each([
  ['Express', startExpress],
  ['Fastify', startFastify],
])('a server with %s', (_name, start) => {
  let server: Server
  let broken: Server
  let account: SignedIn
  beforeAll(async () => {
    const options = {
      issuer: service.app.config.tokens.issuer,
      audience: service.app.config.tokens.audience,
      jwksUrl: `${service.url}/.well-known/jwks.json`,
      now,
    }
    server = await start(createVerifier(options))
    broken = await start(createVerifier({ ...options, jwksUrl: 'http://localhost:9/' }))
  })
  beforeEach(async () => {
    account = await signUp(service)
  })
  afterAll(() => Promise.all([server.close(), broken.close()]))

  const get = async (path: string, authorization?: string, { url } = server) => {
    const response = await fetch(url + path, { headers: authorization ? { authorization } : {} })
    const challenge = response.headers.get('www-authenticate')
    return { status: response.status, challenge, body: await response.json() }
  }

  test('knows who sends a request with an access token', async () => {
    expect(await get('/me', `Bearer ${account.accessToken}`)).toEqual({
      status: 200,
      challenge: null,
      body: { id: account.id },
    })
    expect((await get('/me', `bearer  ${account.accessToken} `)).status).toBe(200)
  })

  test('answers without a token as Authograph does, with the challenge of RFC 6750', async () => {
    const { errors } = await service.send('{ me { id } }')
    const [{ message, extensions } = {}] = errors
    expect(await get('/me')).toEqual({
      status: 401,
      challenge: 'Bearer',
      body: { errors: [{ message, extensions }] },
    })
  })

  test.each([
    ['Bearer x', 'INVALID'],
    ['Bearer', 'INVALID'],
    ['Basic YTpi', 'INVALID'],
  ])('refuses %s', async (authorization, reason) => {
    expect(await get('/me', authorization)).toMatchObject({
      status: 401,
      challenge: expect.stringContaining('Bearer error="invalid_token"'),
      body: { errors: [{ extensions: { code: 'UNAUTHENTICATED', reason } }] },
    })
  })

  test('answers an expired token with its reason', async () => {
    const exp = Math.floor(service.clock.now().getTime() / 1000) - 61
    const expired = forge(service, account.accessToken, { claims: { exp } })
    expect(await get('/me', `Bearer ${expired}`)).toMatchObject({
      status: 401,
      body: { errors: [{ extensions: { code: 'UNAUTHENTICATED', reason: 'EXPIRED' } }] },
    })
  })

  test('requires one of the permissions that a guard names', async () => {
    expect(await get('/users', `Bearer ${account.accessToken}`)).toMatchObject({
      status: 403,
      challenge: expect.stringContaining('Bearer error="insufficient_scope"'),
      body: { errors: [{ extensions: { code: 'FORBIDDEN' } }] },
    })
    const { email } = await signUpWith(service, await newRole(service, 'users:write'))
    const { accessToken } = await signIn(service, email)
    expect((await get('/users', `Bearer ${accessToken}`)).status).toBe(200)
  })

  test('says what to do if the tokens of the server have no permissions', async () => {
    const bare = forge(service, account.accessToken, { claims: { permissions: undefined } })
    const { status, body } = await get('/users', `Bearer ${bare}`)
    expect([status, JSON.stringify(body)]).toEqual([403, expect.stringContaining('TOKEN_CLAIMS=permissions')])
  })

  test('requires a strong and recent sign-in with the challenge of RFC 9470', async () => {
    const authTime = (seconds: number) => Number(claimsOf(account.accessToken).auth_time) + seconds
    const held = (claims: object) =>
      `Bearer ${forge(service, account.accessToken, { claims: { ...claims } })}`
    expect((await get('/recent', held({ auth_time: authTime(0) }))).status).toBe(200)
    expect((await get('/recent', held({ auth_time: authTime(-400) }))).status).toBe(401)
    expect((await get('/recent', held({ auth_time: undefined }))).status).toBe(401)
    for (const acr of ['mfa', 'phr']) expect((await get('/strong', held({ acr }))).status).toBe(200)
    expect((await get('/strong', held({ acr: undefined }))).status).toBe(401)
    expect((await get('/strong', held({ acr: 'other' }))).status).toBe(401)
    expect(await get('/strong', held({ acr: '1fa' }))).toEqual({
      status: 401,
      challenge: expect.stringMatching(
        /^Bearer error="insufficient_user_authentication", .*acr_values="mfa", max_age="300"$/,
      ),
      body: {
        errors: [
          {
            message: 'Confirm that it’s you to continue.',
            extensions: { code: 'STEP_UP_REQUIRED', acr: 'mfa', maxAgeSeconds: 300 },
          },
        ],
      },
    })
  })

  test('answers 503 while the keys are out of reach, and reveals no address', async () => {
    const { status, body } = await get('/me', `Bearer ${account.accessToken}`, broken)
    expect([status, body]).toMatchObject([503, { errors: [{ extensions: { code: 'SERVICE_UNAVAILABLE' } }] }])
    expect(JSON.stringify(body)).not.toContain('localhost')
  })

  test('makes the client renew an expired token and repeat the request', async () => {
    const { client, network } = await signedIn(service, { tokenOrigins: [server.url] })
    service.clock.advance(EXPIRY_SECONDS)
    const response = await client.fetch(`${server.url}/me`)
    expect(await response.json()).toEqual({ id: client.state.user?.id })
    expect(network.sent).toEqual(['fetch', 'Refresh', 'fetch'])
  })

  test('makes the client ask for a step-up', async () => {
    const asked: unknown[] = []
    const { client } = await signedIn(service, {
      tokenOrigins: [server.url],
      onStepUp: async challenge => void asked.push(challenge),
    })
    await client.fetch(`${server.url}/strong`)
    expect(asked).toEqual([{ acr: 'mfa', maxAgeSeconds: 300, accepts: [] }])
  })
})

test('identityOf fails for a request that no guard has seen', () => {
  expect(() => identityOf({})).toThrow('no guard')
})
