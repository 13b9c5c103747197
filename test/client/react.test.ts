import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
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
let warnings: unknown[] = []
beforeEach(() => {
  warnings = []
  jest.spyOn(console, 'warn').mockImplementation(text => void warnings.push(text))
})
afterEach(async () => {
  jest.restoreAllMocks()
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

/** A client that has not yet restored its stored session. */
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
  createElement(RequireAuth, { fallback: 'no access', loading: 'loading', ...props }, 'the secret')

test('the provider restores the session once, even in StrictMode', async () => {
  const { client, network } = await returning()
  await render(client, greeting())
  await act(() => until(() => client.state.status === 'signedIn'))
  expect(place.textContent).toBe('signedIn Ada')
  expect(network.sent).toEqual(['Refresh'])
})

test('components render again when the user changes or signs out', async () => {
  const { client } = await signedIn(service)
  await render(client, greeting())
  await act(async () => void (await client.updateProfile({ displayName: 'Countess' })))
  expect(place.textContent).toBe('signedIn Countess')
  await act(() => client.logout())
  expect(place.textContent).toBe('signedOut null')
})

describe('while the server cannot be reached', () => {
  test.each([
    ['after a delay', 100, () => {}],
    ['as soon as the device is online', 10, () => void window.dispatchEvent(new Event('online'))],
  ])('the provider tries again %s', async (_case, looks, happen) => {
    const { client, network } = await returning()
    network.on('Refresh', cut, cut, cut, cut)
    await render(client, greeting())
    expect(place.textContent).toBe('restoring undefined')
    await act(() => until(() => client.state.error !== undefined))
    expect(network.count('Refresh')).toBe(4)
    expect(warnings).toEqual([expect.stringMatching(/^authograph: Could not reach http/)])
    await act(async () => {
      happen()
      await until(() => client.state.status === 'signedIn', looks)
    })
    expect(place.textContent).toBe('signedIn Ada')
    expect(network.count('Refresh')).toBe(5)
  })
})

describe('RequireAuth', () => {
  test('RequireAuth shows its children when signed in and the fallback when signed out', async () => {
    const { client } = await signedIn(service)
    await render(client, guarded({}))
    expect(place.textContent).toBe('the secret')
    await act(() => client.logout())
    expect(place.textContent).toBe('no access')
  })

  test('RequireAuth hides its children from users without the permission', async () => {
    const { client } = await signedIn(service)
    await render(client, guarded({ permission: 'users:read' }))
    expect(place.textContent).toBe('no access')
    await service.app.db.userRole.create({
      data: { userId: String(client.state.user?.id), roleName: 'support' },
    })
    await act(async () => void (await client.me()))
    expect(place.textContent).toBe('the secret')
  })

  test('RequireAuth shows `loading`, then `failed`, until the server has answered', async () => {
    const { client, network } = await returning()
    network.on('Refresh', cut, cut, cut, cut)
    await render(client, guarded({}), guarded({ failed: 'no network' }))
    expect(place.textContent).toBe('loadingloading')
    await act(() => until(() => client.state.error !== undefined))
    expect(place.textContent).toBe('loadingno network')
  })
})

describe('during server rendering', () => {
  test('server rendering sends no request and shows no session', async () => {
    const { client, network } = await signedIn(service)
    const html = renderToString(page(client, greeting(), guarded({})))
    expect(html).toContain('restoring undefined')
    expect(html).toContain('loading')
    expect(html).not.toContain('the secret')
    expect(network.sent).toEqual([])
  })

  test('a server-rendered page hydrates without a mismatch', async () => {
    const { client } = await signedIn(service)
    const mismatches: unknown[] = []
    place.textContent = 'restoring undefined'
    await act(async () => {
      root = hydrateRoot(place, page(client, greeting()), {
        onRecoverableError: error => mismatches.push(error),
      })
      await settled()
    })
    expect(place.textContent).toBe('signedIn Ada')
    expect(mismatches).toEqual([])
  })
})

test('useAuth outside the provider names the missing component', () => {
  expect(() => renderToString(greeting())).toThrow('useAuth needs <AuthProvider client={…}>')
})
