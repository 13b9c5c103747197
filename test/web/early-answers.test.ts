import { afterEach, expect, test } from '@jest/globals'
import { fetchWithEarlyAnswers } from '../../src/web/early-answers.ts'

const original = globalThis.fetch
afterEach(() => {
  globalThis.fetch = original
  globalThis.authographEarlyList = undefined
})

/** What the client receives that asks for the list as Grace, after the page has asked as `early`. */
async function listFor(early: Promise<string>, at = Date.now()): Promise<string> {
  globalThis.fetch = async () => new Response('asked anew')
  const answer = early.then(authorization => ({ authorization, response: new Response('early') }))
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
