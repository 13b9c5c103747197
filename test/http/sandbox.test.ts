import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { getIntrospectionQuery, parse, print, separateOperations } from 'graphql'
import { explorerDocument } from '../../src/graphql/explorer.ts'
import { codes, type Service, startService } from '../support/service.ts'

const html = { headers: { accept: 'text/html,application/xhtml+xml' } }

/** Documents for which graphql-js suggests a correction by default. */
const misspelled = [
  '{ authSetings { locales } }',
  '{ authSettings { local } }',
  '{ user(i: "x") { id } }',
  'query ($id: IDD) { user(id: $id) { id } }',
  'mutation { login(input: { identifer: "a", password: "b" }) { __typename } }',
  'mutation { login(input: { identifier: "a", password: "b", tokenTransport: COOKI }) { __typename } }',
  'mutation { login(input: { identifier: "a", password: "b" }) { ... on AuthPayloat { accessToken } } }',
]

describe('in development', () => {
  let service: Service
  beforeAll(async () => {
    service = await startService({ settings: { NODE_ENV: 'development' } })
  })
  afterAll(() => service.close())

  test.each(['/', '/graphql'])('Sandbox opens at %s', async path => {
    const response = await fetch(service.url + path, html)
    expect(response.status).toBe(200)
    expect(response.url).toBe(`${service.url}/graphql`)
    expect(response.headers.get('content-type')).toBe('text/html')
    const page = await response.text()
    expect(page).toContain('new window.EmbeddedSandbox(')
    expect(page).toContain('"includeCookies":true')
  })

  test("the policy of Sandbox's page allows what the page loads, and forbids framing", async () => {
    const response = await fetch(`${service.url}/graphql`, html)
    const policy = response.headers.get('content-security-policy') ?? ''
    const allows = (directive: string, host: string) =>
      policy.split('; ').some(part => part.startsWith(`${directive} `) && part.split(' ').includes(host))
    const page = await response.text()
    const scripts = [...page.matchAll(/<script[^>]* src="([^"]+)"/g)].map(
      match => new URL(match[1] ?? '', service.url).origin,
    )
    expect(scripts.length).toBeGreaterThan(0)
    const own = (origin: string) => (origin === service.url ? "'self'" : origin)
    expect(scripts.filter(origin => !allows('script-src', own(origin)))).toEqual([])
    expect(allows('script-src', "'unsafe-inline'")).toBe(true)
    expect(allows('frame-src', 'https://sandbox.embed.apollographql.com')).toBe(true)
    expect(allows('connect-src', "'self'")).toBe(true)
    expect(allows('frame-ancestors', "'none'")).toBe(true)
  })

  test("Sandbox's first document runs from top to bottom with the cookie and with the header", async () => {
    const headers: Record<string, string> = { origin: service.url }
    let token: string | undefined
    const operations = Object.values(separateOperations(parse(explorerDocument)))
    expect(operations).toHaveLength(5)
    for (const operation of operations) {
      const {
        data,
        errors,
        headers: answered,
      } = await service.send<Record<string, { accessToken?: string }>, object>(
        print(operation),
        {},
        { token, headers },
      )
      expect(errors).toEqual([])
      token = Object.values(data ?? {})[0]?.accessToken ?? token
      headers.cookie = answered.getSetCookie()[0]?.split(';')[0] ?? headers.cookie ?? ''
    }
    expect(token).toBeDefined()
    expect(headers.cookie).toBe('authograph_refresh=')
  })

  test('introspection is available', async () => {
    const { data } = await service.send<{ __schema: object }, object>(getIntrospectionQuery())
    expect(data?.__schema).toMatchObject({ queryType: { name: 'Query' } })
  })

  test.each(misspelled)('the error about a misspelling suggests a correction: %s', async text => {
    const { errors } = await service.send(text)
    expect(JSON.stringify(errors)).toContain('Did you mean')
  })
})

describe('in production', () => {
  let service: Service
  beforeAll(async () => {
    service = await startService({ settings: { NODE_ENV: 'production' } })
  })
  afterAll(() => service.close())

  test.each(['/', '/graphql'])('%s does not show Sandbox', async path => {
    const response = await fetch(service.url + path, html)
    expect([400, 404]).toContain(response.status)
    expect(response.headers.get('content-type')).toMatch(/^application\/json/)
    expect(response.headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'")
  })

  test.each([
    getIntrospectionQuery(),
    '{ __schema { types { name } } }',
    '{ __type(name: "User") { name } }',
  ])('introspection is disabled', async text => {
    const reply = await service.send(text)
    expect(reply.data).toBeUndefined()
    expect(new Set(codes(reply))).toEqual(new Set(['BAD_USER_INPUT']))
    expect(new Set(reply.errors.map(error => error.message))).toEqual(
      new Set(['Introspection is disabled on this server.']),
    )
  })

  test.each(misspelled)('the error about a misspelling has no suggestion: %s', async text => {
    const reply = await service.send(text)
    expect(new Set(codes(reply))).toEqual(new Set(['BAD_USER_INPUT']))
    expect(JSON.stringify(reply.errors)).not.toMatch(/did you mean/i)
  })

  test('the error about a misspelled variable has no suggestion', async () => {
    const reply = await service.send(
      'mutation ($input: LoginInput!) { login(input: $input) { __typename } }',
      { input: { identifer: 'a', identifier: 'a', password: 'b', tokenTransport: 'COOKI' } },
    )
    expect(reply.errors.map(error => error.extensions.fields)).toEqual([
      { 'input.tokenTransport': ['This must be a value of TokenTransport.'] },
      { input: ['LoginInput has no field identifer.'] },
    ])
    expect(JSON.stringify(reply.errors)).not.toMatch(/did you mean/i)
  })
})

test('introspection and Sandbox can be enabled in production and disabled in development', async () => {
  const open = await startService({
    settings: { NODE_ENV: 'production', INTROSPECTION: 'on', SANDBOX: 'on' },
  })
  expect(codes(await open.send('{ __schema { queryType { name } } }'))).toEqual([])
  expect((await fetch(`${open.url}/graphql`, html)).headers.get('content-type')).toBe('text/html')
  expect(JSON.stringify((await open.send(misspelled[0] ?? '')).errors)).not.toMatch(/did you mean/i)
  await open.close()
  const shut = await startService({
    settings: { NODE_ENV: 'development', INTROSPECTION: 'off', SANDBOX: 'off' },
  })
  expect(codes(await shut.send('{ __schema { queryType { name } } }'))).toEqual(['BAD_USER_INPUT'])
  expect((await fetch(`${shut.url}/graphql`, html)).status).toBe(400)
  await shut.close()
})
