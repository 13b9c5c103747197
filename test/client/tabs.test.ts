import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, test } from '@jest/globals'
import { type AuthClientOptions, localStorageStorage, memoryStorage } from '../../src/client/index.ts'
import { PASSWORD, signUp } from '../support/actors.ts'
import { useService } from '../support/service.ts'
import { countEvents, stateOf } from '../support/sessions.ts'
import {
  cut,
  EXPIRY_SECONDS,
  fakeLocks,
  gate,
  type Jar,
  lost,
  refusedWith,
  settled,
  signedIn,
  type Tab,
  tab,
} from './support.ts'

const service = useService()
const ME = 'query Me { me { id } }'
const TABS = 10
const expire = () => service.clock.advance(EXPIRY_SECONDS)

/** A stand-in for `localStorage`, which Node 20 lacks. */
function fakeLocalStorage(): Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> {
  const items = new Map<string, string>()
  return {
    getItem: key => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: key => void items.delete(key),
  }
}

function withLocalStorage(): void {
  Object.defineProperty(globalThis, 'localStorage', { value: fakeLocalStorage(), configurable: true })
}
afterEach(() => {
  Object.defineProperty(globalThis, 'localStorage', { value: undefined, configurable: true })
})

/** A browser with `count` tabs of one page, all signed in. */
async function browser(transport: 'cookie' | 'body', options: Partial<AuthClientOptions> = {}, count = TABS) {
  const jar: Jar | undefined = transport === 'cookie' ? {} : undefined
  const shared = { ...memoryStorage(), scope: randomUUID() }
  const make = () => tab(service, { storage: shared, ...options }, jar)
  const { client, network, email } = await signedIn(service, { storage: shared, ...options }, jar)
  const tabs: Tab[] = [{ client, network }, ...Array.from({ length: count - 1 }, make)]
  for (const { client } of tabs) await client.restore()
  await settled()
  for (const { network } of tabs) network.sent.length = 0
  const refreshes = () => tabs.reduce((sum, { network }) => sum + network.count('Refresh'), 0)
  const { id: userId } = await service.app.db.user.findFirstOrThrow({ where: { email } })
  const sessionId = (await service.app.db.session.findFirstOrThrow({ where: { userId } })).id
  return { tabs, make, refreshes, sessionId, email }
}

type Browser = Awaited<ReturnType<typeof browser>>

async function expectAllSignedIn({ tabs, sessionId }: Browser): Promise<void> {
  expect(tabs.map(({ client }) => client.state.status)).toEqual(Array(tabs.length).fill('signedIn'))
  for (const { client } of tabs) {
    expect(await stateOf(service, (await client.getAccessToken()) ?? undefined)).toBe('LIVE')
  }
  expect(await countEvents(service, sessionId, 'session.reuse_detected')).toBe(0)
}

const askAll = ({ tabs }: Browser) => Promise.all(tabs.map(({ client }) => client.request(ME)))

const WAYS: [string, 'cookie' | 'body', () => Partial<AuthClientOptions>][] = [
  ['cookie, Web Locks', 'cookie', () => ({ locks: fakeLocks() })],
  ['body, Web Locks', 'body', () => ({ locks: fakeLocks() })],
  [
    'cookie, no Web Locks',
    'cookie',
    () => {
      withLocalStorage()
      return {}
    },
  ],
  [
    'localStorage, no Web Locks',
    'body',
    () => {
      withLocalStorage()
      return { storage: localStorageStorage(randomUUID()) }
    },
  ],
]

describe('when the access token expires, ten tabs', () => {
  test.each(WAYS)('share one refresh: %s', async (_way, transport, options) => {
    const all = await browser(transport, options())
    for (let round = 0; round < 3; round++) {
      expire()
      await askAll(all)
      expect(all.refreshes()).toBe(round + 1)
    }
    await expectAllSignedIn(all)
  })

  test.each(WAYS)('stay signed in although answers are lost: %s', async (_way, transport, options) => {
    const all = await browser(transport, options())
    expire()
    for (const { network } of all.tabs) network.on('Refresh', lost)
    await askAll(all)
    await expectAllSignedIn(all)
  })

  test.each(['cookie', 'body'] as const)(
    'stay signed in without a way to take turns: %s',
    async transport => {
      const all = await browser(transport)
      for (let round = 0; round < 3; round++) {
        expire()
        await askAll(all)
      }
      await expectAllSignedIn(all)
    },
  )

  test('stay signed in although one of them cannot reach the server', async () => {
    const all = await browser('cookie', { locks: fakeLocks() })
    expire()
    all.tabs[0]?.network.on('Refresh', cut, cut, cut, cut)
    const outcomes = await Promise.allSettled(all.tabs.map(({ client }) => client.request(ME)))
    expect(outcomes.filter(({ status }) => status === 'rejected').length).toBeLessThanOrEqual(1)
    await expectAllSignedIn(all)
  })
})

test('ten tabs that open at the same time restore the session with one refresh', async () => {
  const locks = fakeLocks()
  const { make, sessionId } = await browser('cookie', { locks }, 1)
  const opened = Array.from({ length: TABS }, make)
  const users = await Promise.all(opened.map(({ client }) => client.restore()))
  expect(users.filter(user => user?.displayName === 'Ada')).toHaveLength(TABS)
  expect(opened.reduce((sum, { network }) => sum + network.count('Refresh'), 0)).toBe(1)
  expect(await countEvents(service, sessionId, 'session.reuse_detected')).toBe(0)
})

describe.each(WAYS)('the other tabs follow: %s,', (_way, transport, options) => {
  test('a sign-out', async () => {
    const { tabs } = await browser(transport, options(), 3)
    const heard: unknown[] = []
    tabs[2]?.client.onChange(user => heard.push(user))
    await tabs[0]?.client.logout()
    await settled()
    expect(tabs.map(({ client }) => client.state.status)).toEqual(Array(3).fill('signedOut'))
    expect(heard).toEqual([null])
    expect(tabs[1]?.network.sent).toEqual([])
  })

  test('a new sign-in', async () => {
    const { tabs, make } = await browser(transport, options(), 3)
    const other = await signUp(service)
    await tabs[1]?.client.login({ identifier: other.email, password: PASSWORD })
    await settled()
    expect(tabs.map(({ client }) => client.state.user?.id)).toEqual(Array(3).fill(other.id))
    expire()
    for (const { client } of tabs) expect(await client.request(ME)).toEqual({ me: { id: other.id } })
    expect(await make().client.restore()).toMatchObject({ id: other.id })
  })

  test('a change of the profile', async () => {
    const { tabs } = await browser(transport, options(), 2)
    await tabs[0]?.client.updateProfile({ displayName: 'Ada Lovelace' })
    await settled()
    expect(tabs[1]?.client.state.user?.displayName).toBe('Ada Lovelace')
  })
})

test('a late message about an ended session does not restore it', async () => {
  const storage = { ...memoryStorage(), scope: randomUUID() }
  const { client } = await signedIn(service, { storage })
  const messages: unknown[] = []
  const channel = new BroadcastChannel(`authograph 2 ${service.url}/graphql ${storage.scope}`)
  try {
    channel.onmessage = ({ data }) => messages.push(data)
    await client.updateProfile({ displayName: 'Countess' })
    await settled()
    expect(messages).toMatchObject([{ type: 'session', user: { displayName: 'Countess' } }])
    await client.logout()
    channel.postMessage(messages[0])
    await settled()
    expect(client.state.status).toBe('signedOut')
  } finally {
    channel.close()
  }
})

test('a sign-out cancels the refresh of another tab, whose late answer is discarded', async () => {
  const { tabs } = await browser('cookie', { locks: fakeLocks() }, 2)
  const [one, two] = tabs
  expire()
  const held = gate('after')
  two?.network.on('Refresh', held.fault)
  const request = Promise.allSettled([two?.client.request(ME)])
  await held.reached
  const out = one?.client.logout()
  await settled()
  held.release()
  await out
  await request
  await settled()
  expect(tabs.map(({ client }) => client.state.status)).toEqual(['signedOut', 'signedOut'])
})

test('signing out in one tab during a new sign-in in another ends only the old session', async () => {
  const locks = fakeLocks()
  const { tabs, sessionId } = await browser('cookie', { locks }, 2)
  const [one, two] = tabs
  const other = await signUp(service)
  const held = gate('after')
  two?.network.on('Login', held.fault)
  const login = two?.client.login({ identifier: other.email, password: PASSWORD })
  await held.reached
  const out = one?.client.logout()
  await settled()
  held.release()
  await Promise.all([login, out])
  await settled()
  expect(tabs.map(({ client }) => client.state.user?.id)).toEqual([other.id, other.id])
  expire()
  expect(await one?.client.request(ME)).toEqual({ me: { id: other.id } })
  const row = await service.app.db.session.findUnique({ where: { id: sessionId } })
  expect(row?.revokedAt).not.toBeNull()
})

test('a sign-out that does not reach the server fails and can be repeated', async () => {
  const jar: Jar = {}
  const { client, network } = await signedIn(service, {}, jar)
  network.on('Logout', cut, cut, cut, cut, refusedWith('SERVICE_UNAVAILABLE', { retryAfter: 0 }))
  await expect(client.logout()).rejects.toMatchObject({ name: 'NetworkError' })
  expect(client.state.status).toBe('signedOut')
  expect(jar.cookie).toBeDefined()
  await client.logout()
  expect(jar.cookie).toBeUndefined()
})

test('clients with separate storages do not affect each other', async () => {
  const one = await signedIn(service)
  const two = await signedIn(service)
  await one.client.logout()
  await settled()
  expect(two.client.state.status).toBe('signedIn')
})

test('with the cookie transport, scripts cannot read the refresh token', async () => {
  const jar: Jar = {}
  const { client, network } = await signedIn(service, {}, jar)
  const secret = String(jar.cookie?.split('=')[1])
  expect(secret.length).toBeGreaterThan(40)
  expect(JSON.stringify([client.state, await client.getAccessToken(), network.sent])).not.toContain(secret)
})

describe('when the user blocks storage,', () => {
  const forbid = () => {
    throw new DOMException('The operation is insecure.', 'SecurityError')
  }

  test('the session lasts until the page closes', async () => {
    Object.defineProperty(globalThis, 'localStorage', { get: forbid, configurable: true })
    const { client } = await signedIn(service, { storage: localStorageStorage(), locks: { request: forbid } })
    expire()
    expect(await client.request(ME)).toMatchObject({ me: { id: client.state.user?.id } })
    await client.logout()
    expect(client.state.status).toBe('signedOut')
  })

  test('tabs without a BroadcastChannel still work', async () => {
    const real = globalThis.BroadcastChannel
    globalThis.BroadcastChannel = class {
      constructor() {
        forbid()
      }
    } as unknown as typeof BroadcastChannel
    try {
      const { tabs } = await browser('cookie', { locks: fakeLocks() }, 2)
      expire()
      for (const { client } of tabs)
        expect(await client.request(ME)).toMatchObject({ me: { id: client.state.user?.id } })
    } finally {
      globalThis.BroadcastChannel = real
    }
  })
})
