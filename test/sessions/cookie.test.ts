import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { newAddress, PASSWORD, signIn, signUp } from '../support/actors.ts'
import { Login, Logout, Refresh, Register } from '../support/operations.ts'
import { codes, type Reply, type Service, startService, useService } from '../support/service.ts'
import { DAY, expectDead, HOUR, pairOf, refresh, refreshed, stateOf } from '../support/sessions.ts'

const OURS = 'http://localhost:4000'
const FRIEND = 'https://app.example.com'
const NAME = 'authograph_refresh'
const service = useService({ settings: { PUBLIC_URL: OURS, CORS_ORIGINS: FRIEND } })

type Cookie = { name: string; value: string; attributes: Record<string, string | true> }

/** The session cookies that a reply sets, with attributes in lower case, as browsers read them. test/devices/device.test.ts tests the device's. */
function cookiesOf({ headers }: Reply<unknown>): Cookie[] {
  const lines = headers.getSetCookie().filter(line => !/^(__Host-)?authograph_device=/.test(line))
  return lines.map(line => {
    const [[name = '', value = ''] = [], ...attributes] = line.split('; ').map(part => part.split('='))
    return {
      name,
      value,
      attributes: Object.fromEntries(attributes.map(([key = '', text]) => [key.toLowerCase(), text ?? true])),
    }
  })
}

/** A new session whose refresh token travels in the cookie, and the response that set it. */
async function web(from: Service = service, rememberMe = true) {
  const { email } = await signUp(from)
  const input = { identifier: email, password: PASSWORD, rememberMe, tokenTransport: 'COOKIE' } as const
  const reply = await from.send(Login, { input })
  const payload = reply.data?.login
  const [cookie, ...more] = cookiesOf(reply)
  if (!payload || !cookie) throw new Error(JSON.stringify(reply.errors))
  expect(more).toEqual([])
  return { payload, sessionId: payload.session.id, accessToken: payload.accessToken, cookie }
}

type Web = Awaited<ReturnType<typeof web>>

const headersOf = ({ name, value }: Pick<Cookie, 'name' | 'value'>, headers: Record<string, string>) => ({
  cookie: `${name}=${value}`,
  ...headers,
})
const refreshBy = (cookie: Pick<Cookie, 'name' | 'value'>, headers: Record<string, string>) =>
  service.send(Refresh, {}, { headers: headersOf(cookie, headers) })
const logoutBy = (cookie: Cookie, headers: Record<string, string>) =>
  service.send(Logout, {}, { headers: headersOf(cookie, headers) })

const generationOf = async ({ sessionId }: Web) =>
  (await service.app.db.session.findUnique({ where: { id: sessionId } }))?.generation

/** Expects the reply to make a browser delete the cookie. */
function expectCleared(reply: Reply<unknown>): void {
  const [cookie, ...more] = cookiesOf(reply)
  expect(more).toEqual([])
  expect(cookie).toMatchObject({
    name: NAME,
    value: '',
    attributes: { path: '/', httponly: true, samesite: 'Strict' },
  })
  expect(Date.parse(String(cookie?.attributes.expires))).toBe(0)
}

describe('the cookie', () => {
  test('the cookie carries the refresh token instead of the payload, out of reach of scripts and other sites', async () => {
    const { payload, cookie, sessionId } = await web()
    expect(payload.refreshToken).toBeNull()
    expect(cookie).toEqual({
      name: NAME,
      value: expect.stringMatching(new RegExp(`^${sessionId}\\.0\\.[\\w-]{43}$`)),
      attributes: { path: '/', httponly: true, samesite: 'Strict', expires: expect.any(String) },
    })
    const expires = Date.parse(String(cookie.attributes.expires))
    expect(Math.abs(expires - Date.parse(payload.refreshTokenExpiresAt))).toBeLessThan(1000)
  })

  test('a registration sets the cookie on request', async () => {
    const input = {
      email: newAddress(),
      password: PASSWORD,
      tokenTransport: 'COOKIE',
    } as const
    const reply = await service.send(Register, { input })
    expect(reply.data?.register).toMatchObject({ refreshToken: null })
    expect(cookiesOf(reply)).toEqual([expect.objectContaining({ name: NAME })])
  })

  test('the cookie is not set if the token travels in the payload', async () => {
    const account = await signUp(service)
    const input = { identifier: account.email, password: PASSWORD }
    expect(cookiesOf(await service.send(Login, { input }))).toEqual([])
    expect(cookiesOf(await refresh(service, account.refreshToken))).toEqual([])
    expect(cookiesOf(await service.send(Logout, {}, { token: account.accessToken }))).toEqual([])
  })

  test('with rememberMe: false the cookie ends with the browser session, even after a refresh', async () => {
    const { cookie } = await web(service, false)
    const reply = await refreshBy(cookie, { origin: OURS })
    for (const { attributes } of [cookie, ...cookiesOf(reply)])
      expect(attributes).toEqual({ path: '/', httponly: true, samesite: 'Strict' })
    expect(cookiesOf(reply)).toHaveLength(1)
  })
})

describe('a refresh by cookie', () => {
  test('a refresh by cookie sets the successor with a later expiry and keeps it out of the payload', async () => {
    const { cookie, sessionId } = await web()
    service.clock.advance(DAY)
    const reply = await refreshBy(cookie, { origin: OURS })
    expect(reply.data?.refreshToken.refreshToken).toBeNull()
    const [next] = cookiesOf(reply)
    expect(next?.value).toMatch(new RegExp(`^${sessionId}\\.1\\.`))
    const later = Date.parse(String(next?.attributes.expires)) - Date.parse(String(cookie.attributes.expires))
    expect(Math.abs(later / 1000 - DAY)).toBeLessThan(5)
    expect(await stateOf(service, reply.data?.refreshToken.accessToken)).toBe('LIVE')
    expect(codes(await refreshBy(next ?? cookie, { origin: OURS }))).toEqual([])
  })

  test('two tabs that refresh at the same time receive the same successor', async () => {
    const { cookie } = await web()
    const tabs = await Promise.all([1, 2].map(() => refreshBy(cookie, { origin: OURS })))
    const values = tabs.flatMap(cookiesOf).map(({ value }) => value)
    expect(values).toHaveLength(2)
    expect(values[0]).toBe(values[1])
  })

  test.each([
    ['garbage', async () => ({ name: NAME, value: 'garbage' })],
    ['an ended session', endedCookie],
    ['a spent token', spentCookie],
  ])('a refresh with %s in the cookie clears the cookie', async (_case, cookieOf) => {
    const reply = await refreshBy(await cookieOf(), { origin: OURS })
    expect(codes(reply)).toEqual(['REFRESH_TOKEN_INVALID'])
    expectCleared(reply)
  })

  test('a refresh with invalid input keeps the cookie', async () => {
    const page = await web()
    const reply = await service.send(
      Refresh,
      { input: { accessTokenTtlSeconds: 0 } },
      { headers: headersOf(page.cookie, { origin: OURS }) },
    )
    expect(codes(reply)).toEqual(['BAD_USER_INPUT'])
    expect(cookiesOf(reply)).toEqual([])
    expect(await generationOf(page)).toBe(0)
  })

  test('a refresh by cookie accepts accessTokenTtlSeconds', async () => {
    const { cookie } = await web()
    const { data } = await service.send(
      Refresh,
      { input: { accessTokenTtlSeconds: HOUR } },
      { headers: headersOf(cookie, { origin: OURS }) },
    )
    const left = Date.parse(data?.refreshToken.accessTokenExpiresAt ?? '') - service.clock.now().getTime()
    expect(Math.abs(left / 1000 - HOUR)).toBeLessThan(5)
  })
})

describe('a token in the input', () => {
  test.each(['valid', 'invalid'])(
    'a token in the input takes precedence over the cookie and leaves it unchanged: %s',
    async kind => {
      const page = await web()
      const app = await signUp(service)
      const input = { refreshToken: kind === 'valid' ? app.refreshToken : 'garbage' }
      const reply = await service.send(
        Refresh,
        { input },
        { headers: headersOf(page.cookie, { origin: OURS }) },
      )
      expect(cookiesOf(reply)).toEqual([])
      expect(await generationOf(page)).toBe(0)
      if (kind === 'valid') expect(pairOf(reply).refreshToken).toMatch(app.sessionId)
      else expect(codes(reply)).toEqual(['REFRESH_TOKEN_INVALID'])
    },
  )
})

async function endedCookie(): Promise<Cookie> {
  const { cookie, accessToken } = await web()
  await service.send(Logout, {}, { token: accessToken })
  return cookie
}

async function spentCookie(): Promise<Cookie> {
  const { cookie } = await web()
  const { refreshToken } = await refreshed(service, cookie.value)
  await refreshed(service, refreshToken)
  return cookie
}

describe('a logout by cookie', () => {
  test('a logout by cookie ends its session and clears the cookie', async () => {
    const { cookie, accessToken } = await web()
    const reply = await logoutBy(cookie, { origin: OURS })
    expect(reply.data).toEqual({ logout: true })
    expectCleared(reply)
    await expectDead(service, { accessToken, refreshToken: cookie.value })
  })

  test('a logout clears the cookie even if its session has ended', async () => {
    const reply = await logoutBy(await endedCookie(), { origin: OURS })
    expect(reply.data).toEqual({ logout: true })
    expectCleared(reply)
  })

  test('a logout with a cookie and an access token ends the sessions of both', async () => {
    const { cookie, accessToken } = await web()
    const other = await signUp(service)
    await service.send(Logout, {}, { token: other.accessToken, headers: headersOf(cookie, { origin: OURS }) })
    expect(await stateOf(service, accessToken)).toBe('REVOKED')
    expect(await stateOf(service, other.accessToken)).toBe('REVOKED')
  })
})

describe('a request of our own pages', () => {
  test.each<[string, () => Record<string, string>]>([
    ['the origin of PUBLIC_URL', () => ({ origin: OURS })],
    ['the origin of the request’s own host', () => ({ origin: service.url })],
    ['an allowed origin', () => ({ origin: FRIEND })],
    ['no origin, but Sec-Fetch-Site: same-origin', () => ({ 'sec-fetch-site': 'same-origin' })],
  ])('the cookie authenticates a request with %s', async (_case, headers) => {
    const { cookie } = await web()
    expect(codes(await refreshBy(cookie, headers()))).toEqual([])
    expectCleared(await logoutBy(cookie, headers()))
  })

  test('the cookie authenticates an allowed origin on another site, and the log warns that browsers drop it', async () => {
    const { cookie } = await web()
    const headers = { origin: FRIEND, 'sec-fetch-site': 'cross-site' }
    expect(codes(await refreshBy(cookie, headers))).toEqual([])
    expectCleared(await logoutBy(cookie, headers))
    const warnings = service.logged.splice(0).map(line => JSON.parse(line))
    expect(warnings).toMatchObject([{ level: 40, origin: FRIEND }])
  })
})

describe('a request of other pages', () => {
  test.each<[string, Record<string, string>]>([
    ['no origin', {}],
    ['another origin', { origin: 'https://evil.example' }],
    [
      'another origin that claims to be the same',
      { origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' },
    ],
    ['an opaque origin', { origin: 'null' }],
    ['an empty origin', { origin: '' }],
    ['an origin that starts like ours', { origin: `${OURS}.evil.example` }],
    ['an origin that ends like ours', { origin: `https://evil-app.example.com` }],
    ['an allowed host over http', { origin: 'http://app.example.com' }],
    ['another port', { origin: 'http://localhost:4001' }],
    ['an origin with a path', { origin: `${OURS}/` }],
    ['two origins', { origin: `${OURS}, https://evil.example` }],
    ['another page of the same site', { 'sec-fetch-site': 'same-site' }],
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['the address bar', { 'sec-fetch-site': 'none' }],
  ])('the cookie is ignored and stays valid in a request with or from %s', async (_case, headers) => {
    const page = await web()
    expect(codes(await refreshBy(page.cookie, headers))).toEqual(['REFRESH_TOKEN_INVALID'])
    expect(await generationOf(page)).toBe(0)
    const reply = await logoutBy(page.cookie, headers)
    expect(reply.data).toEqual({ logout: true })
    expect(cookiesOf(reply)).toEqual([])
    expect(await stateOf(service, page.accessToken)).toBe('LIVE')
  })
})

test('the cookie is not an access token', async () => {
  const { cookie } = await web()
  expect(await stateOf(service, undefined, { headers: headersOf(cookie, { origin: OURS }) })).toBe('MISSING')
})

describe('with an https PUBLIC_URL', () => {
  let secure: Service
  beforeAll(async () => {
    const databaseUrl = service.app.config.database.url ?? ''
    secure = await startService({ databaseUrl, settings: { PUBLIC_URL: 'https://auth.example.com' } })
  })
  afterAll(() => secure.close())

  const ORIGIN = { origin: 'https://auth.example.com' }
  const attributes = { path: '/', httponly: true, secure: true, samesite: 'Strict' }

  test('over https the cookie is Secure and bound to the host, both when it is set and when it is cleared', async () => {
    const { cookie } = await web(secure)
    expect(cookie.name).toBe('__Host-authograph_refresh')
    expect(cookie.attributes).toEqual({ ...attributes, expires: expect.any(String) })
    const headers = headersOf(cookie, ORIGIN)
    expect(cookiesOf(await secure.send(Refresh, {}, { headers }))).toEqual([
      expect.objectContaining({ name: '__Host-authograph_refresh' }),
    ])
    const [cleared] = cookiesOf(await secure.send(Logout, {}, { headers }))
    expect(cleared).toMatchObject({ name: '__Host-authograph_refresh', value: '', attributes })
  })

  test('over https a cookie without the __Host- prefix, which any page of the domain could set, is ignored', async () => {
    const { email } = await signUp(secure)
    const { refreshToken } = await signIn(secure, email)
    const headers = headersOf({ name: NAME, value: refreshToken }, ORIGIN)
    expect(codes(await secure.send(Refresh, {}, { headers }))).toEqual(['REFRESH_TOKEN_INVALID'])
    await refreshed(secure, refreshToken)
  })
})
