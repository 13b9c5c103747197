import { expect, test } from '@jest/globals'
import { PASSWORD, signUp } from '../support/actors.ts'
import { startService, useService } from '../support/service.ts'

const APP = 'https://app.example.com'
const service = useService({ settings: { CORS_ORIGINS: `${APP}/,http://localhost:3000` } })

const strangers = [
  'https://evil.example.com',
  'http://app.example.com',
  'https://app.example.com:8443',
  'https://app.example.com.evil.com',
  'https://sub.app.example.com',
  'HTTPS://APP.EXAMPLE.COM',
  'null',
  '*',
]

const query = (origin?: string, url = service.url) =>
  fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(origin && { origin }) },
    body: JSON.stringify({ query: '{ __typename }' }),
  })

const preflight = (origin: string, url = service.url) =>
  fetch(`${url}/graphql`, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type,dpop',
    },
  })

function corsHeaders({ headers }: Response): Record<string, string> {
  return Object.fromEntries([...headers].filter(([name]) => name.startsWith('access-control-')))
}

test.each([APP, 'http://localhost:3000'])(
  'a page of the allowed origin %s can send its cookies',
  async origin => {
    const response = await query(origin)
    expect(corsHeaders(response)).toEqual({
      'access-control-allow-origin': origin,
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers': 'x-request-id, dpop-nonce, retry-after, www-authenticate',
    })
    expect(response.headers.get('vary')).toMatch(/\bOrigin\b/)
  },
)

test('a preflight from an allowed origin allows the headers Authorization and DPoP', async () => {
  const response = await preflight(APP)
  expect(response.status).toBe(204)
  expect(corsHeaders(response)).toMatchObject({
    'access-control-allow-origin': APP,
    'access-control-allow-credentials': 'true',
    'access-control-allow-headers': 'authorization,content-type,dpop',
    'access-control-allow-methods': expect.stringContaining('POST'),
  })
})

test.each(strangers)('the unlisted origin %s receives no CORS headers', async origin => {
  for (const response of [await query(origin), await preflight(origin)]) {
    expect(corsHeaders(response)).toEqual({})
    expect(JSON.stringify([...response.headers])).not.toContain(origin === '*' ? '"*"' : origin)
    // Caches must not serve one origin's response to another.
    expect(response.headers.get('vary')).toMatch(/\bOrigin\b/)
  }
})

test('a request without an origin receives no CORS headers', async () => {
  expect(corsHeaders(await query())).toEqual({})
})

test('no origin is allowed by default', async () => {
  const closed = await startService()
  expect(corsHeaders(await query('http://localhost:4000', closed.url))).toEqual({})
  await closed.close()
})

test('the log names each refused origin once, and at most twenty', async () => {
  const other = await startService({ settings: { CORS_ORIGINS: APP, LOG_LEVEL: 'info' } })
  const named = () =>
    other.logged.filter(line => line.includes('CORS_ORIGINS')).map(line => JSON.parse(line).origin)
  for (const origin of [APP, 'http://localhost:3000', 'http://localhost:3000'])
    await preflight(origin, other.url)
  expect(named()).toEqual(['http://localhost:3000'])
  for (let count = 0; count < 30; count++) await preflight(`https://${count}.example.com`, other.url)
  await preflight('x'.repeat(5000), other.url)
  expect(named()).toHaveLength(20)
  await other.close()
})

test('the log names an origin once whose pages sign in from another site, where browsers drop the cookie', async () => {
  const other = await startService({ settings: { CORS_ORIGINS: APP } })
  const named = () =>
    other.logged.filter(line => line.includes('session cookie')).map(line => JSON.parse(line).origin)
  const { email } = await signUp(other)
  const signIn = (site: string, tokenTransport: string) =>
    fetch(`${other.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: APP, 'sec-fetch-site': site },
      body: JSON.stringify({
        query: 'mutation SignIn($input: LoginInput!) { login(input: $input) { __typename } }',
        variables: { input: { identifier: email, password: PASSWORD, tokenTransport } },
      }),
    })
  await signIn('same-site', 'COOKIE')
  await signIn('cross-site', 'BODY')
  expect(named()).toEqual([])
  for (let count = 0; count < 2; count++) await (await signIn('cross-site', 'COOKIE')).text()
  expect(named()).toEqual([APP])
  await other.close()
})
