import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type Service, startService, useService } from '../support/service.ts'

const service = useService()
let https: Service
beforeAll(async () => {
  https = await startService({ settings: { PUBLIC_URL: 'https://auth.example.com' } })
})
afterAll(() => https.close())

const json = { 'content-type': 'application/json' }
const body = JSON.stringify({ query: '{ __typename }' })
const answers: [number, string, RequestInit][] = [
  [200, '/graphql', { method: 'POST', headers: json, body }],
  [400, '/graphql', { method: 'POST', headers: json, body: '{' }],
  [413, '/graphql', { method: 'POST', headers: json, body: ' '.repeat(100_000) }],
  [415, '/graphql', { method: 'POST', headers: { 'content-type': 'text/plain' }, body }],
  [400, '/graphql', {}],
  [400, '/%E0%A4%A', {}],
  [404, '/nothing', {}],
  [302, '/', { redirect: 'manual' }],
  [200, '/.well-known/jwks.json', {}],
  [200, '/healthz', {}],
  [200, '/readyz', {}],
  [200, '/metrics', {}],
]

test.each(answers)(
  'the response %s of %s has headers against sniffing, framing and referrers',
  async (status, path, init) => {
    const { headers, status: got } = await fetch(service.url + path, init)
    expect(got).toBe(status)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('cross-origin-resource-policy')).toBe('same-site')
    expect(headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'")
    expect(headers.get('server')).toBeNull()
    expect(headers.get('x-powered-by')).toBeNull()
    expect(headers.get('strict-transport-security')).toBeNull()
  },
)

test.each(answers.filter(([, path]) => path !== '/.well-known/jwks.json'))(
  'the response %s of %s must not be cached',
  async (_status, path, init) => {
    expect((await fetch(service.url + path, init)).headers.get('cache-control')).toBe('no-store')
  },
)

test.each(answers)('the response %s of %s has a unique request ID', async (_status, path, init) => {
  const once = await fetch(service.url + path, init)
  const again = await fetch(service.url + path, {
    ...init,
    headers: { ...init.headers, 'x-request-id': 'mine' },
  })
  const ids = [once, again].map(({ headers }) => headers.get('x-request-id'))
  expect(ids).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/), expect.stringMatching(/^[0-9a-f-]{36}$/)])
  expect(ids[0]).not.toBe(ids[1])
})

test('with an https PUBLIC_URL, responses enforce https (HSTS)', async () => {
  const { headers } = await fetch(`${https.url}/healthz`)
  expect(headers.get('strict-transport-security')).toBe('max-age=31536000; includeSubDomains')
})
