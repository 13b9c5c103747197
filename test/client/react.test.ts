import { afterEach, describe, expect, test } from '@jest/globals'
import { act, createElement, type ReactNode, StrictMode } from 'react'
import { createRoot, hydrateRoot, type Root } from 'react-dom/client'
import { renderToString } from 'react-dom/server'
import { type AuthClient, memoryStorage } from '../../src/client/index.ts'
import { AuthProvider, RequireAuth, type RequireAuthProps, useAuth, useUser } from '../../src/client/react.ts'
import { useService } from '../support/service.ts'
import { fakeDom } from './dom.ts'
import { cut, settled, signedIn, type Tab, tab } from './support.ts'

const service = useService()
const place = fakeDom()

let root: Root | undefined
afterEach(async () => {
  await act(async () => root?.unmount())
  root = undefined
})

function Greeting(): ReactNode {
  const { status } = useAuth()
  const user = useUser()
  return `${status} ${user?.displayName ?? user}`
}

const page = (client: AuthClient, ...children: ReactNode[]) =>
  createElement(StrictMode, null, createElement(AuthProvider, { client }, ...children))

async function render(client: AuthClient, ...children: ReactNode[]): Promise<void> {
  root = createRoot(place)
  await act(async () => {
    root?.render(page(client, ...children))
    await settled()
  })
}

/** A client that has yet to take up a session of Ada’s. */
async function returning(): Promise<Tab> {
  const storage = memoryStorage()
  await signedIn(service, { storage })
  return tab(service, { storage })
}

async function until(condition: () => boolean, looks = 100): Promise<void> {
  for (let look = 0; !condition() && look < looks; look++) await settled()
}

const greeting = () => createElement(Greeting)
const guarded = (props: RequireAuthProps) =>
  createElement(RequireAuth, { fallback: 'not for you', loading: 'a moment', ...props }, 'the secret')

test('the session is taken up once, in StrictMode too, and shown', async () => {
  const { client, network } = await returning()
  await render(client, greeting())
  await act(() => until(() => client.state.status === 'signedIn'))
  expect(place.textContent).toBe('signedIn Ada')
  expect(network.sent).toEqual(['Refresh'])
})

test('components follow what the client does', async () => {
  const { client } = await signedIn(service)
  await render(client, greeting())
  await act(async () => void (await client.updateProfile({ displayName: 'Countess' })))
  expect(place.textContent).toBe('signedIn Countess')
  await act(() => client.logout())
  expect(place.textContent).toBe('signedOut null')
})

describe('where the server cannot be reached', () => {
  test.each([
    ['after a while', 100, () => {}],
    ['at once when the device is online', 10, () => void window.dispatchEvent(new Event('online'))],
  ])('it is asked again %s', async (_case, looks, happen) => {
    const { client, network } = await returning()
    network.on('Refresh', cut, cut, cut, cut)
    await render(client, greeting())
    expect(place.textContent).toBe('restoring undefined')
    await act(() => until(() => client.state.error !== undefined))
    expect(network.count('Refresh')).toBe(4)
    await act(async () => {
      happen()
      await until(() => client.state.status === 'signedIn', looks)
    })
    expect(place.textContent).toBe('signedIn Ada')
    expect(network.count('Refresh')).toBe(5)
  })
})

describe('RequireAuth', () => {
  test('shows its children to whoever is signed in, and the fallback to nobody', async () => {
    const { client } = await signedIn(service)
    await render(client, guarded({}))
    expect(place.textContent).toBe('the secret')
    await act(() => client.logout())
    expect(place.textContent).toBe('not for you')
  })

  test('asks for the permission', async () => {
    const { client } = await signedIn(service)
    await render(client, guarded({ permission: 'users:read' }))
    expect(place.textContent).toBe('not for you')
    await service.app.db.userRole.create({
      data: { userId: String(client.state.user?.id), roleName: 'support' },
    })
    await act(async () => void (await client.me()))
    expect(place.textContent).toBe('the secret')
  })

  test('shows neither while it is not known', async () => {
    const { client, network } = await returning()
    network.on('Refresh', cut, cut, cut, cut)
    await render(client, guarded({}), guarded({ failed: 'no network' }))
    expect(place.textContent).toBe('a momenta moment')
    await act(() => until(() => client.state.error !== undefined))
    expect(place.textContent).toBe('a momentno network')
  })
})

describe('on a server', () => {
  test('nothing is known, nothing is asked, and nobody’s session is shown', async () => {
    const { client, network } = await signedIn(service)
    const html = renderToString(page(client, greeting(), guarded({})))
    expect(html).toContain('restoring undefined')
    expect(html).toContain('a moment')
    expect(html).not.toContain('the secret')
    expect(network.sent).toEqual([])
  })

  test('the page that it made is taken over without a difference', async () => {
    const { client } = await signedIn(service)
    const complaints: unknown[] = []
    place.textContent = 'restoring undefined'
    await act(async () => {
      root = hydrateRoot(place, page(client, greeting()), {
        onRecoverableError: error => complaints.push(error),
      })
      await settled()
    })
    expect(place.textContent).toBe('signedIn Ada')
    expect(complaints).toEqual([])
  })
})

test('a component outside the provider is told what is missing', () => {
  expect(() => renderToString(greeting())).toThrow('Put <AuthProvider client={…}> around the components')
})
