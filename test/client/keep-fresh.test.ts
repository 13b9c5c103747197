import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { keepFresh } from '../../src/client/index.ts'
import { signIn } from '../support/actors.ts'
import { eventually } from '../support/eventually.ts'
import { useService } from '../support/service.ts'
import { cut, signedIn } from './support.ts'

const service = useService()
const page = Object.assign(new EventTarget(), { visibilityState: 'visible' })
const STEP_MS = 5000

let stop = () => {}
beforeEach(() => {
  page.visibilityState = 'visible'
  Object.assign(globalThis, { document: page, window: new EventTarget() })
  jest.useFakeTimers({
    doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'clearImmediate', 'setTimeout', 'clearTimeout'],
  })
})
afterEach(() => {
  stop()
  jest.useRealTimers()
  Reflect.deleteProperty(globalThis, 'document')
  Reflect.deleteProperty(globalThis, 'window')
})

/** What the user does when they return to the page, as browsers report it. */
function returnToPage(): void {
  page.visibilityState = 'visible'
  page.dispatchEvent(new Event('visibilitychange'))
  window.dispatchEvent(new Event('focus'))
  window.dispatchEvent(new Event('pageshow'))
}

const fresh = async () => {
  const tab = await signedIn(service, { transport: 'body' })
  stop = keepFresh(tab.client)
  return tab
}

test('a visible page renews the access token before it expires, without a request of its own', async () => {
  const { client, network } = await fresh()
  const first = await client.getAccessToken()
  jest.advanceTimersByTime(9 * 60_000)
  expect(network.sent).toEqual([])
  jest.advanceTimersByTime(60_000 - STEP_MS)
  await eventually(() => network.count('Refresh') === 1)
  expect(await client.getAccessToken()).not.toBe(first)
  expect(network.sent).toEqual(['Refresh'])
})

test('a hidden page renews nothing until the user returns', async () => {
  const { client, network } = await fresh()
  page.visibilityState = 'hidden'
  jest.advanceTimersByTime(60 * 60_000)
  expect(network.sent).toEqual([])
  returnToPage()
  await eventually(() => network.count('Me') === 1)
  expect(network.sent).toEqual(['Refresh', 'Me'])
  expect(client.state.status).toBe('signedIn')
})

test('returning to the page asks the server once, and notices that the session was revoked', async () => {
  const { client, network, email } = await fresh()
  jest.advanceTimersByTime(STEP_MS)
  const { accessToken } = await signIn(service, email)
  await service.send('mutation { revokeOtherSessions }', {}, { token: accessToken })
  returnToPage()
  await eventually(() => client.state.status === 'signedOut')
  expect(network.count('Me')).toBe(1)
})

test('without a network, returning to the page changes nothing', async () => {
  const { client, network } = await fresh()
  jest.advanceTimersByTime(STEP_MS)
  network.on('Me', cut)
  const before = client.state
  returnToPage()
  await eventually(() => network.count('Me') === 1)
  expect(client.state).toBe(before)
})

test('after it is stopped, and when signed out, nothing is sent', async () => {
  const { client, network } = await fresh()
  stop()
  jest.advanceTimersByTime(60 * 60_000)
  returnToPage()
  stop = keepFresh(client)
  await client.logout()
  network.sent.length = 0
  jest.advanceTimersByTime(60 * 60_000)
  returnToPage()
  expect(network.sent).toEqual([])
})
