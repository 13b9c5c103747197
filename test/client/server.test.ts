import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from '@jest/globals'
import { keyStorageFor } from '../../src/client/key-storage.ts'
import { createServerAuth, expressAuth, type ServerSession } from '../../src/client/server.ts'
import { PASSWORD, signUp } from '../support/actors.ts'
import { Login } from '../support/operations.ts'
import { useService } from '../support/service.ts'
import { stateOf } from '../support/sessions.ts'
import { EXPIRY_SECONDS } from './support.ts'

const service = useService()

/** A browser that opens pages of an application whose server uses the helper. */
class Browser {
  /** It has seen a page of this server before. */
  readonly cookies = new Map([['authograph_rendered', '1']])
  /** The operations that the application's server sent. */
  readonly sent: string[] = []
  readonly auth = createServerAuth({
    url: `${service.url}/graphql`,
    fetch: (input, init) => {
      this.sent.push(/(?:query|mutation) (\w+)/.exec(String(init?.body))?.[1] ?? '')
      return fetch(input, init)
    },
  })

  request(path = '/', init: RequestInit = {}): Request {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = { cookie, 'user-agent': 'Firefox of Ada', ...init.headers }
    return new Request(`http://app.example.com${path}`, { ...init, headers })
  }

  keep(setCookies: readonly string[]): void {
    for (const [, name = '', value = ''] of setCookies.map(set => /^([^=]+)=([^;]*)/.exec(set) ?? [])) {
      if (value) this.cookies.set(name, value)
      else this.cookies.delete(name)
    }
  }

  /** Opens a page as browsers do: keeps cookies and follows the redirect. */
  async open(): Promise<ServerSession> {
    const session = await this.auth.session(this.request())
    this.keep(session.setCookies)
    return session.redirect ? this.auth.session(this.request()) : session
  }
}

async function signedInBrowser(): Promise<Browser & { id: string; email: string }> {
  const { id, email } = await signUp(service)
  const browser = new Browser()
  const { headers } = await service.send(
    Login,
    { input: { identifier: email, password: PASSWORD, tokenTransport: 'COOKIE' } },
    { headers: { origin: 'http://localhost:4000' } },
  )
  browser.keep(headers.getSetCookie())
  return Object.assign(browser, { id, email })
}

const expire = (browser: Browser) => {
  service.clock.advance(EXPIRY_SECONDS)
  browser.cookies.delete('authograph_access')
}

test('a visitor without cookies costs no request', async () => {
  const browser = new Browser()
  browser.cookies.set('theme', 'dark')
  expect(await browser.open()).toEqual({ user: null, accessToken: null, setCookies: [], redirect: false })
  expect(browser.sent).toEqual([])
})

test('the first page exchanges the refresh token, and the next ones only ask who it is', async () => {
  const browser = await signedInBrowser()
  const session = await browser.open()
  expect(session).toMatchObject({ user: { id: browser.id }, redirect: false, setCookies: [] })
  expect(await stateOf(service, session.accessToken ?? undefined)).toBe('LIVE')
  await browser.open()
  expect(browser.sent).toEqual(['Refresh', 'Me', 'Me'])
  expire(browser)
  expect(await browser.open()).toMatchObject({ user: { id: browser.id } })
})

test('a browser learns once that sessions that start in it must not be bound to a key, which the server lacks', async () => {
  const browser = new Browser()
  browser.cookies.clear()
  const { setCookies } = await browser.auth.session(browser.request())
  // Scripts of the page read it.
  expect(setCookies).toEqual([expect.stringMatching(/^authograph_rendered=1; (?!.*HttpOnly)/)])
  browser.keep(setCookies)
  expect((await browser.auth.session(browser.request())).setCookies).toEqual([])
  const staff = createServerAuth({ url: `${service.url}/graphql`, cookiePrefix: 'staff' })
  const { setCookies: ofStaff } = await staff.session(browser.request())
  expect(ofStaff).toEqual([expect.stringMatching(/^staff_rendered=1; /)])
})

test.each([
  ['no key beside its own', 'staff_rendered=1', 'staff', false],
  ['no key beside any, if it does not know its own', 'staff_rendered=1', undefined, false],
  ['a key beside that of another prefix', 'authograph_rendered=1', 'staff', true],
  ['a key beside none', 'theme=dark', undefined, true],
])('of the cookies that say so, a page has %s', (_name, cookie, cookiePrefix, hasKey) => {
  Object.assign(globalThis, { document: { cookie }, location: new URL('https://example.com/notes') })
  try {
    const options = { url: 'https://example.com/graphql', cookiePrefix }
    expect(keyStorageFor(options, 'tabs', undefined) !== undefined).toBe(hasKey)
  } finally {
    Reflect.deleteProperty(globalThis, 'document')
    Reflect.deleteProperty(globalThis, 'location')
  }
})

test('the cookies that it sets are kept from scripts and other sites', async () => {
  const browser = await signedInBrowser()
  const { setCookies, redirect } = await browser.auth.session(browser.request())
  expect(redirect).toBe(true)
  expect(setCookies.map(cookie => cookie.split('=')[0])).toEqual(['authograph_refresh', 'authograph_access'])
  for (const cookie of setCookies) {
    expect(cookie).toMatch(/; HttpOnly/)
    expect(cookie).toMatch(/; SameSite=Strict/)
    expect(cookie).toMatch(/; Path=\//)
  }
  expect(setCookies[1]).toMatch(/Max-Age=570/)
})

test('a browser that lost the response stays signed in, however late it returns', async () => {
  const browser = await signedInBrowser()
  await browser.open()
  expire(browser)
  for (let loss = 0; loss < 3; loss++) {
    expect((await browser.auth.session(browser.request())).redirect).toBe(true)
    service.clock.advance(60)
  }
  expect(await browser.open()).toMatchObject({ user: { id: browser.id } })
})

test('ten requests at the same time share a session', async () => {
  const browser = await signedInBrowser()
  const sessions = await Promise.all(
    Array.from({ length: 10 }, () => browser.auth.session(browser.request())),
  )
  expect(new Set(sessions.map(({ user }) => user?.id))).toEqual(new Set([browser.id]))
  for (const { setCookies } of sessions) browser.keep(setCookies)
  service.clock.advance(60)
  expect(await browser.open()).toMatchObject({ user: { id: browser.id } })
})

test('a session that ended elsewhere ends with the next page, and its cookie is removed', async () => {
  const browser = await signedInBrowser()
  const { accessToken } = await browser.open()
  await service.send('mutation { revokeAllSessions }', {}, { token: String(accessToken) })
  expect(await browser.open()).toMatchObject({ user: null, accessToken: null })
  expect(browser.cookies.has('authograph_refresh')).toBe(false)
})

test('after another user signs in, the access token of the earlier one is not used', async () => {
  const [one, other] = [await signedInBrowser(), await signedInBrowser()]
  await one.open()
  one.cookies.set('authograph_refresh', String(other.cookies.get('authograph_refresh')))
  expect(await one.open()).toMatchObject({ user: { id: other.id } })
})

test('a form that is sent with an expired access token is answered without a redirect', async () => {
  const browser = await signedInBrowser()
  const session = await browser.auth.session(browser.request('/', { method: 'POST', body: 'text' }))
  expect(session).toMatchObject({ user: { id: browser.id }, redirect: false })
  expect(session.setCookies).toHaveLength(2)
})

test('the list of devices shows the browser, not the application’s server', async () => {
  const browser = await signedInBrowser()
  await browser.open()
  const { userAgent } = await service.app.db.session.findFirstOrThrow({
    where: { userId: browser.id },
    orderBy: { lastUsedAt: 'desc' },
  })
  expect(userAgent).toBe('Firefox of Ada')
})

test('while the auth server does not answer, the user is unknown and the cookies stay', async () => {
  const browser = await signedInBrowser()
  const away = createServerAuth({ url: 'http://localhost:9/graphql' })
  expect(await away.session(browser.request())).toMatchObject({
    user: undefined,
    setCookies: [],
    redirect: false,
    error: { name: 'NetworkError' },
  })
  const overloaded = createServerAuth({
    url: 'http://localhost/graphql',
    fetch: async () =>
      Response.json({ errors: [{ message: '', extensions: { code: 'SERVICE_UNAVAILABLE' } }] }),
  })
  expect(await overloaded.session(browser.request())).toMatchObject({
    user: undefined,
    error: { code: 'SERVICE_UNAVAILABLE' },
  })
})

test('an access token too large for a cookie does not redirect forever', async () => {
  const browser = await signedInBrowser()
  const large = createServerAuth({
    url: `${service.url}/graphql`,
    fetch: async (input, init) => {
      const response = await fetch(input, init)
      const text = (await response.text()).replace(/("accessToken":")/, `$1${'x'.repeat(4000)}`)
      return new Response(text, response)
    },
  })
  expect(await large.session(browser.request())).toMatchObject({ user: { id: browser.id }, redirect: false })
})

test('handle redirects once to the same page, passes the cookies on and answers with the page', async () => {
  const browser = await signedInBrowser()
  const answer = () =>
    browser.auth.handle(browser.request('/inbox?page=2'), ({ user }) => new Response(`Hello ${user?.email}`))
  const first = await answer()
  expect([first.status, first.headers.get('location')]).toEqual([307, '/inbox?page=2'])
  expect(first.headers.get('cache-control')).toBe('private, no-store')
  browser.keep(first.headers.getSetCookie())
  const second = await answer()
  expect([second.status, await second.text()]).toEqual([200, `Hello ${browser.email}`])
  expect(second.headers.getSetCookie()).toEqual([])
})

test('a path that begins with two slashes is not redirected to another host', async () => {
  const browser = await signedInBrowser()
  const response = await browser.auth.handle(browser.request('//evil.example.com/'), () => new Response())
  expect(response.headers.get('location')).toBe('/evil.example.com/')
})

test('the middleware for Express passes the session and the cookies on', async () => {
  const browser = await signedInBrowser()
  const middleware = expressAuth(browser.auth)
  const server = createServer((request, response) => {
    const locals: { auth?: ServerSession } = {}
    response.setHeader('set-cookie', ['theme=dark'])
    middleware(request, Object.assign(response, { locals }), () => response.end(locals.auth?.user?.email))
  })
  await new Promise<void>(resolve => server.listen(0, resolve))
  const url = `http://localhost:${(server.address() as AddressInfo).port}/inbox?page=2`
  try {
    const cookie = () => String(browser.request().headers.get('cookie'))
    const first = await fetch(url, { headers: { cookie: cookie() }, redirect: 'manual' })
    expect([first.status, first.headers.get('location')]).toEqual([307, '/inbox?page=2'])
    expect(first.headers.getSetCookie()).toHaveLength(3)
    browser.keep(first.headers.getSetCookie())
    const second = await fetch(url, { headers: { cookie: cookie() }, redirect: 'manual' })
    expect(await second.text()).toBe(browser.email)
  } finally {
    server.closeAllConnections()
    server.close()
  }
})

test('signInUrl leads to the address that browsers reach', () => {
  const auth = createServerAuth({
    url: 'http://authograph:4000/graphql',
    publicUrl: 'https://example.com/graphql',
  })
  expect(auth.signInUrl('https://example.com/inbox')).toBe(
    'https://example.com/sign-in?return_to=https%3A%2F%2Fexample.com%2Finbox',
  )
})
