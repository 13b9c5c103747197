import type { AddressInfo } from 'node:net'
import { afterAll, expect, test } from '@jest/globals'
// @ts-expect-error Express has no types of its own.
import express from 'express'
import { auth } from 'express-oauth2-jwt-bearer'
import Fastify from 'fastify'
import { loadConfig } from '../../src/config.ts'
import { discoveryRoutes } from '../../src/http/discovery.ts'
import { signUp } from '../support/actors.ts'
import { useService } from '../support/service.ts'

const service = useService()
const opened: { close(): unknown }[] = []
afterAll(() => Promise.all(opened.map(server => server.close())))

const documents = ['openid-configuration', 'oauth-authorization-server']

test.each(documents)('%s names the issuer, the keys and the endpoints that exist', async name => {
  const response = await fetch(`${service.url}/.well-known/${name}`)
  expect(response.headers.get('content-type')).toMatch(/^application\/json\b/)
  expect(response.headers.get('access-control-allow-origin')).toBe('*')
  const document = (await response.json()) as Record<string, unknown>
  expect(document).toMatchObject({
    issuer: 'http://localhost:4000',
    jwks_uri: 'http://localhost:4000/.well-known/jwks.json',
    response_types_supported: [],
    grant_types_supported: ['client_credentials'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
  })
  const endpoints = Object.keys(document).filter(key => key.endsWith('_endpoint'))
  expect(endpoints.sort()).toEqual(['introspection_endpoint', 'revocation_endpoint', 'token_endpoint'])
  for (const name of endpoints) {
    const address = String(document[name]).replace('http://localhost:4000', service.url)
    expect((await fetch(address, { method: 'POST', body: new URLSearchParams() })).status).toBe(401)
  }
})

test('the documents name the pages of the operator', async () => {
  const server = Fastify()
  const settings = { TERMS_URL: 'https://example.com/terms', PRIVACY_URL: 'https://example.com/privacy' }
  discoveryRoutes(server, loadConfig(settings))
  expect((await server.inject('/.well-known/oauth-authorization-server')).json()).toMatchObject({
    op_tos_uri: 'https://example.com/terms',
    op_policy_uri: 'https://example.com/privacy',
  })
})

test('an issuer with a path is also at the address of RFC 8414, section 3.1', async () => {
  const server = Fastify()
  discoveryRoutes(server, loadConfig({ TOKEN_ISSUER: 'https://example.com/auth' }))
  const { statusCode, body } = await server.inject('/.well-known/oauth-authorization-server/auth')
  expect([statusCode, JSON.parse(body).issuer]).toEqual([200, 'https://example.com/auth'])
})

test('express-oauth2-jwt-bearer verifies access tokens with the issuer and the audience alone', async () => {
  // The issuer of the service, at the address where it answers.
  const issuer = Fastify()
  const url = await issuer.listen({ host: 'localhost', port: 0 })
  await issuer.close()
  const { startService } = await import('../support/service.ts')
  const own = await startService({
    settings: { PORT: new URL(url).port, PUBLIC_URL: url, TOKEN_AUDIENCE: 'shop' },
  })
  opened.push(own)
  const app = express()
  app.get(
    '/',
    auth({ issuerBaseURL: url, audience: 'shop', strict: true }),
    (request: { auth: { payload: unknown } }, response: { json(body: unknown): void }) =>
      response.json(request.auth.payload),
  )
  app.use(
    (
      error: { status: number },
      _request: unknown,
      response: { sendStatus(status: number): void },
      _next: unknown,
    ) => response.sendStatus(error.status),
  )
  const api = app.listen(0)
  opened.push(api)
  const address = `http://localhost:${(api.address() as AddressInfo).port}`
  const get = (token: string) => fetch(address, { headers: { authorization: `Bearer ${token}` } })
  const { accessToken, id } = await signUp(own)
  const answer = await get(accessToken)
  expect([answer.status, await answer.json()]).toMatchObject([200, { sub: id, aud: 'shop', iss: url }])
  const [header, claims] = accessToken.split('.')
  expect((await get(`${header}.${claims}.${'A'.repeat(86)}`)).status).toBe(401)
  expect((await get((await signUp(service)).accessToken)).status).toBe(401)
})
