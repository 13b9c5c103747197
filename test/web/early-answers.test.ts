import { afterEach, expect, test } from '@jest/globals'
import type { User } from '../../src/client/types.ts'
import { fetchWithEarlyAnswers } from '../../src/web/early-answers.ts'

const original = globalThis.fetch
afterEach(() => {
  globalThis.fetch = original
  globalThis.authographEarly = undefined
  globalThis.authographEarlyList = undefined
  globalThis.authographEarlyNonce = undefined
})

const user = { email: 'grace@example.com' } as User

/** What the client receives that asks for the list as Grace, after the page has asked as `early`. */
async function listFor(early: Promise<string>, at = Date.now()): Promise<string> {
  globalThis.fetch = async () => new Response('asked anew')
  const answer = early.then(authorization => ({ authorization, user, response: new Response('early') }))
  answer.catch(() => {})
  globalThis.authographEarlyList = { body: 'the query', answer, at }
  const init = { method: 'POST', headers: { authorization: 'Bearer grace' }, body: 'the query' }
  return (await fetchWithEarlyAnswers('/graphql', init)).text()
}

test('the list that the page asked for early is used once', async () => {
  expect(await listFor(Promise.resolve('Bearer grace'))).toBe('early')
  expect(globalThis.authographEarlyList).toBeUndefined()
})

test('a list that was asked for as another user is never shown', async () => {
  expect(await listFor(Promise.resolve('Bearer ada'))).toBe('asked anew')
})

test('a list that failed, or is no longer recent, is asked for again', async () => {
  expect(await listFor(Promise.reject(new Error('offline')))).toBe('asked anew')
  expect(await listFor(Promise.resolve('Bearer grace'), Date.now() - 60_000)).toBe('asked anew')
})

const PROVED = { method: 'POST', body: 'Refresh', headers: { dpop: 'proof' } }

test('the first proof of a page receives the nonce that was asked for with the page, without another request', async () => {
  const asked = new Response('{}', { headers: { 'dpop-nonce': 'early' } })
  globalThis.authographEarlyNonce = { response: Promise.resolve(asked), at: Date.now() }
  globalThis.fetch = async () => new Response('the network')
  const plain = { method: 'POST', body: 'Me' }
  expect(await (await fetchWithEarlyAnswers('/graphql', plain)).text()).toBe('the network')
  const answer = await fetchWithEarlyAnswers('/graphql', PROVED)
  expect(answer.headers.get('dpop-nonce')).toBe('early')
  expect(await answer.json()).toMatchObject({ errors: [{ extensions: { reason: 'DPOP_NONCE' } }] })
  expect(await (await fetchWithEarlyAnswers('/graphql', PROVED)).text()).toBe('the network')
})

test.each<[string, () => Promise<Response>, number]>([
  ['failed', () => Promise.reject(new Error('offline')), 0],
  ['has no nonce', async () => new Response('{}'), 0],
  ['is a minute old', async () => new Response('{}', { headers: { 'dpop-nonce': 'old' } }), 60_000],
])('a proof goes to the server if the early request %s', async (_name, ask, ageMs) => {
  globalThis.fetch = async () => new Response('the network')
  const response = ask()
  response.catch(() => {})
  globalThis.authographEarlyNonce = { response, at: Date.now() - ageMs }
  expect(await (await fetchWithEarlyAnswers('/graphql', PROVED)).text()).toBe('the network')
})

/** What the client receives that refreshes with these headers, after the page has refreshed with a proof. */
async function refreshAfter(early: Promise<Response>, headers: Record<string, string>): Promise<string> {
  globalThis.fetch = async () => new Response('the network')
  early.catch(() => {})
  globalThis.authographEarly = { body: 'Refresh', hasProof: true, response: early, at: Date.now() }
  return (await fetchWithEarlyAnswers('/graphql', { ...PROVED, headers })).text()
}

test('a refresh that the page has proved answers a client with a key, once', async () => {
  const { headers } = PROVED
  expect(await refreshAfter(Promise.resolve(new Response('refreshed')), headers)).toBe('refreshed')
  expect(await (await fetchWithEarlyAnswers('/graphql', PROVED)).text()).toBe('the network')
  expect(await refreshAfter(Promise.reject(new Error('no key')), headers)).toBe('the network')
})

test('a refresh that the page has proved is not for a client without a key', async () => {
  expect(await refreshAfter(Promise.resolve(new Response('refreshed')), {})).toBe('the network')
})
