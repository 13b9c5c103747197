import { afterEach, expect, jest, test } from '@jest/globals'
import { createAuthClient } from '../../src/client/index.ts'
import { settled } from './support.ts'

afterEach(() => {
  jest.restoreAllMocks()
  Reflect.deleteProperty(globalThis, 'location')
})

/** What the console says when a page of `page` creates a client for `server`. */
async function warnings(
  page: string,
  server: string,
  transport: 'cookie' | 'body' = 'cookie',
): Promise<string[]> {
  const said: string[] = []
  jest.spyOn(console, 'warn').mockImplementation(text => void said.push(String(text)))
  // The origin of a page in a sandboxed frame is null.
  const href = page === 'null' ? 'about:srcdoc' : `${page}/`
  Object.assign(globalThis, { location: { origin: page, href } })
  createAuthClient({ url: server, transport, fetch: () => Promise.reject(new Error()) })
  // Pages load the text on demand.
  await import('../../src/client/site-warning.ts')
  await settled()
  return said
}

test.each([
  ['http://127.0.0.1:3000', 'http://localhost:4000/graphql'],
  ['http://localhost:3000', 'http://127.0.0.1:4000/graphql'],
  ['http://[::1]:3000', 'http://localhost:4000/graphql'],
  ['http://10.0.0.1:3000', 'http://10.0.0.2:4000/graphql'],
  ['https://app.example.com', 'https://auth.example.net/graphql'],
  ['https://app.example.com', 'https://auth.other.com/graphql'],
  ['http://app.example.com', 'https://auth.example.com/graphql'],
])('a page on %s warns that the browser keeps no session cookie of %s', async (page, server) => {
  const said = await warnings(page, server)
  expect(said).toHaveLength(1)
  expect(said[0]).toContain('a reload signs out')
  expect(said[0]).toContain(new URL(server).hostname)
})

test.each([
  ['http://localhost:3000', 'http://localhost:4000/graphql'],
  ['http://127.0.0.1:3000', 'http://127.0.0.1:4000/graphql'],
  ['https://app.example.com', 'https://auth.example.com/graphql'],
  ['https://example.com', 'https://auth.example.com/graphql'],
  ['https://app.example.com', '/graphql'],
  ['null', 'https://auth.example.com/graphql'],
])('a page on %s does not warn about %s', async (page, server) => {
  expect(await warnings(page, server)).toEqual([])
})

test('a page that keeps the token itself does not warn', async () => {
  expect(await warnings('http://127.0.0.1:3000', 'http://localhost:4000/graphql', 'body')).toEqual([])
})
