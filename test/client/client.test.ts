import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gql } from '@apollo/client'
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { createAuthClient, NetworkError } from '../../src/client/index.ts'
import { PASSWORD, signIn, signUp, signUpVerified } from '../support/actors.ts'
import { Roles, UserById } from '../support/operations.ts'
import { useService } from '../support/service.ts'
import { stateOf } from '../support/sessions.ts'
import { answered, cut, EXPIRY_SECONDS, gate, type Jar, refusedWith, signedIn, tab } from './support.ts'

const service = useService()
const expire = () => service.clock.advance(EXPIRY_SECONDS)

describe('login', () => {
  test('login returns the user and starts a session with a valid access token', async () => {
    const { email } = await signedIn(service)
    const { client } = tab(service)
    const outcome = await client.login({ identifier: email, password: PASSWORD, deviceName: 'Ada’s phone' })
    expect(outcome).toEqual({
      status: 'signedIn',
      user: expect.objectContaining({ email, displayName: 'Ada' }),
      passkeySuggestion: expect.any(String),
    })
    expect(client.state).toEqual({
      status: 'signedIn',
      user: expect.objectContaining({ email }),
      strength: 'SINGLE',
      boundToKey: false,
    })
    expect(await stateOf(service, (await client.getAccessToken()) ?? undefined)).toBe('LIVE')
    expect(await client.sessions.list()).toMatchObject([{ current: true, deviceName: 'Ada’s phone' }, {}])
  })

  test('login with a wrong password fails and leaves the current session alone', async () => {
    const { client, email } = await signedIn(service)
    const before = client.state
    await expect(client.login({ identifier: email, password: 'wrong' })).rejects.toMatchObject({
      name: 'AuthError',
      code: 'INVALID_CREDENTIALS',
    })
    expect(client.state).toBe(before)
  })

  test('login is not repeated after a network failure', async () => {
    const { client, network } = tab(service)
    network.on('Login', cut)
    await expect(client.login({ identifier: 'ada', password: PASSWORD })).rejects.toBeInstanceOf(NetworkError)
    expect(network.sent).toEqual(['Login'])
  })
})

test('a rejected registration names the invalid fields', async () => {
  const { client } = tab(service)
  const { email } = await signedIn(service)
  await expect(client.register({ email: 'none', password: PASSWORD })).rejects.toMatchObject({
    code: 'BAD_USER_INPUT',
    fields: { 'input.email': [expect.any(String)] },
  })
  await expect(client.register({ email, password: PASSWORD })).rejects.toMatchObject({
    code: 'EMAIL_TAKEN',
    fields: { 'input.email': [expect.any(String)] },
  })
})

test('logout ends the session on the server, and a second logout succeeds', async () => {
  const { client } = await signedIn(service)
  const token = await client.getAccessToken()
  await client.logout()
  expect(client.state).toEqual({ status: 'signedOut', user: null })
  expect(await stateOf(service, token ?? undefined)).toBe('REVOKED')
  await client.logout()
})

describe('the account', () => {
  test('listeners receive each change of the account once', async () => {
    const { client } = await signedIn(service)
    const heard: unknown[] = []
    client.onChange(user => heard.push(user?.displayName))
    expect(await client.updateProfile({ displayName: 'Countess' })).toMatchObject({ displayName: 'Countess' })
    await client.me()
    expect(heard).toEqual(['Countess'])
    await service.app.db.user.updateMany({
      where: { id: String(client.state.user?.id) },
      data: { displayName: 'Ada' },
    })
    expect(await client.me()).toMatchObject({ displayName: 'Ada' })
    expect(heard).toEqual(['Countess', 'Ada'])
  })

  test('me is null when signed out, without a request', async () => {
    const { client, network } = tab(service)
    expect(await client.me()).toBeNull()
    expect(await client.getAccessToken()).toBeNull()
    expect(network.sent).toEqual([])
  })

  test('changePassword sets the password that reauthenticate then accepts', async () => {
    const { client, email } = await signedIn(service)
    await client.changePassword({ currentPassword: PASSWORD, newPassword: 'eighteen copper kettles' })
    await expect(client.reauthenticate(PASSWORD)).rejects.toMatchObject({ code: 'INVALID_CREDENTIALS' })
    expect(await client.reauthenticate('eighteen copper kettles')).toMatchObject({ current: true })
    await signIn(service, email, 'eighteen copper kettles')
  })
})

test('settings are available without signing in', async () => {
  const { client, network } = tab(service)
  expect(await client.settings()).toMatchObject({ registrationOpen: true, passwordMinLength: 8 })
  expect(network.sent).toEqual(['Settings'])
})

test('apiKeys creates, lists and deletes the keys with which programs act as the user', async () => {
  const { email, id } = await signUpVerified(service)
  const { client } = tab(service)
  await client.login({ identifier: email, password: PASSWORD })
  const { apiKey, secret } = await client.apiKeys.create({ name: 'Report', permissions: [] })
  expect(await stateOf(service, secret)).toBe('LIVE')
  expect(await client.apiKeys.list()).toMatchObject([{ id: apiKey.id, name: 'Report', permissions: [] }])
  const program = tab(service, { accessToken: secret })
  expect(await program.client.request('{ me { id } }')).toEqual({ me: { id } })
  await client.apiKeys.delete(apiKey.id)
  expect(await client.apiKeys.list()).toEqual([])
  expect(await stateOf(service, secret)).toBe('REVOKED')
})

describe('sessions', () => {
  test('revokeOthers ends the other sessions and keeps this one', async () => {
    const { client, email } = await signedIn(service)
    const other = await signIn(service, email)
    expect(await client.sessions.revokeOthers()).toBe(1)
    expect(await stateOf(service, other.accessToken)).toBe('REVOKED')
    expect(client.state.status).toBe('signedIn')
  })

  test('revoke ends one session; revoking the current one signs out', async () => {
    const { client, email } = await signedIn(service)
    const other = await signIn(service, email)
    expect(await client.sessions.revoke(other.sessionId)).toMatchObject({ id: other.sessionId })
    expect(client.state.status).toBe('signedIn')
    const [own] = await client.sessions.list()
    await client.sessions.revoke(String(own?.id))
    expect(client.state.status).toBe('signedOut')
  })

  test('revokeAll ends every session and signs out', async () => {
    const { client, email } = await signedIn(service)
    await signIn(service, email)
    expire()
    expect(await client.sessions.revokeAll()).toBe(2)
    expect(client.state).toEqual({ status: 'signedOut', user: null })
  })
})

describe('request', () => {
  test('request accepts text, parsed documents and generated documents', async () => {
    const { client } = await signedIn(service)
    const id = String(client.state.user?.id)
    const fromText = await client.request<{ me: { id: string } }>('{ me { id } }')
    expect(fromText.me.id).toBe(id)
    expect(await client.request(gql`{ me { id } }`)).toEqual({ me: { id } })
    expect(await client.request(new String('{ me { id } }'))).toEqual({ me: { id } })
  })

  test('request explains how to send a document without source text', async () => {
    const { client } = await signedIn(service)
    await expect(async () => client.request(Roles)).rejects.toThrow('Pass print(document), from graphql.')
    // @ts-expect-error The variables are missing.
    await expect(async () => client.request(UserById)).rejects.toThrow('print(document)')
  })

  test('request fails if the token cannot be renewed, while public operations still work', async () => {
    const { client, network } = await signedIn(service)
    expire()
    network.on('Refresh', cut, cut, cut, cut)
    await expect(client.request('query Me { me { id } }')).rejects.toBeInstanceOf(NetworkError)
    expect(await client.settings()).toMatchObject({ registrationOpen: true })
  })
})

describe('fetch', () => {
  const got: IncomingMessage[] = []
  let statuses: number[] = []
  const api = createServer((request, response) => {
    got.push(request)
    request.resume()
    response.statusCode = statuses.shift() ?? 200
    response.end()
  })
  let url = ''
  beforeAll(async () => {
    await new Promise<void>(resolve => api.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(api.address() as AddressInfo).port}/notes`
  })
  beforeEach(() => {
    got.length = 0
    statuses = []
  })
  afterAll(() => void api.close())

  test('fetch sends the token only to allowed origins', async () => {
    const { client, network } = await signedIn(service, { tokenOrigins: [new URL(url).origin] })
    await client.fetch(url, { headers: { 'x-own': '1' } })
    expect(got[0]?.headers).toMatchObject({
      authorization: `Bearer ${await client.getAccessToken()}`,
      'x-own': '1',
    })
    await expect(client.fetch('https://elsewhere.example')).rejects.toThrow(
      'Add this origin to tokenOrigins, or use fetch.',
    )
    const { origin } = new URL(service.url)
    for (const address of [
      `${origin}@elsewhere.example`,
      `${origin}.elsewhere.example/x`,
      '//elsewhere.example',
    ])
      await expect(client.fetch(address)).rejects.toThrow('tokenOrigins')
    expect(network.count('fetch')).toBe(1)
  })

  test('fetch accepts a token origin with a trailing slash', async () => {
    const { client } = await signedIn(service, { tokenOrigins: [`${new URL(url).origin}/`] })
    expect((await client.fetch(url)).status).toBe(200)
  })

  test('fetch renews the token after a 401 response and repeats the request once', async () => {
    const { client, network } = await signedIn(service, { tokenOrigins: [new URL(url).origin] })
    statuses = [401]
    const request = new Request(url, { method: 'POST', body: 'a note' })
    expect((await client.fetch(request)).status).toBe(200)
    expect(got).toHaveLength(2)
    expect(got[0]?.headers.authorization).not.toBe(got[1]?.headers.authorization)
    statuses = [401, 401, 401]
    expect((await client.fetch(url)).status).toBe(401)
    expect(got).toHaveLength(4)
    expect(network.count('Refresh')).toBe(2)
  })

  test('fetch does not repeat a request whose body can be read only once', async () => {
    const { client } = await signedIn(service, { tokenOrigins: [new URL(url).origin] })
    statuses = [401]
    const body = new Blob(['a note']).stream()
    const init = { method: 'POST', body, duplex: 'half' } as RequestInit
    expect((await client.fetch(url, init)).status).toBe(401)
    expect(got).toHaveLength(1)
  })

  test('fetch renews the token after UNAUTHENTICATED from the GraphQL endpoint', async () => {
    const { client, network } = await signedIn(service)
    expire()
    const response = await client.fetch(`${service.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: 'query Me { me { id } }' }),
    })
    expect(await response.json()).toEqual({ data: { me: { id: client.state.user?.id } } })
    expect(network.sent).toEqual(['Me', 'Refresh', 'Me'])
  })
})

test('a page without the cookie restores to signed out with one request', async () => {
  const jar: Jar = {}
  const { client, network } = tab(service, {}, jar)
  expect(await client.restore()).toBeNull()
  expect(network.sent).toEqual(['Refresh'])
  expect(await client.getAccessToken()).toBeNull()
  expect(network.sent).toEqual(['Refresh'])
})

test('a listener that throws does not stop the client or the other listeners', async () => {
  const problems: unknown[] = []
  const { client, email } = await signedIn(service, { onError: error => problems.push(error) })
  const heard: unknown[] = []
  client.onChange(() => {
    throw new Error('the listener failed')
  })
  const end = client.onChange(user => heard.push(user))
  await client.logout()
  expect(heard).toEqual([null])
  expect(problems).toHaveLength(1)
  end()
  await client.login({ identifier: email, password: PASSWORD })
  expect(heard).toHaveLength(1)
})

test('a response that is not JSON is a NetworkError', async () => {
  const { client, network } = tab(service)
  network.on('Settings', async () => new Response('<h1>Bad Gateway</h1>', { status: 502 }))
  await expect(client.settings()).rejects.toMatchObject({ name: 'NetworkError', status: 502 })
  network.on('Settings', refusedWith('SERVICE_UNAVAILABLE', { retryAfter: 2 }))
  await expect(client.settings()).rejects.toMatchObject({
    code: 'SERVICE_UNAVAILABLE',
    retryAfterSeconds: 2,
  })
})

describe('an abort signal', () => {
  const given = () => ({ abort: new AbortController(), reason: new Error('the caller left the page') })

  test.each(['before it is sent', 'in transit', 'while the token is renewed'])(
    'an abort signal cancels a request %s',
    async when => {
      const { client, network } = await signedIn(service)
      const { abort, reason } = given()
      const held = gate('after')
      network.on(when === 'in transit' ? 'Me' : 'Refresh', held.fault)
      if (when === 'while the token is renewed') service.clock.advance(EXPIRY_SECONDS)
      if (when === 'before it is sent') abort.abort(reason)
      const request = client.request('query Me { me { id } }', {}, { signal: abort.signal })
      if (when !== 'before it is sent') {
        void request.catch(() => {})
        await held.reached
        abort.abort(reason)
      }
      await expect(request).rejects.toBe(reason)
      held.release()
      // The renewal is shared, so canceling one request must not cancel it.
      expect(await client.request('query Me { me { id } }')).toMatchObject({ me: { id: expect.any(String) } })
    },
  )

  test('an abort signal cancels `fetch` while the token is renewed', async () => {
    const { client, network } = await signedIn(service)
    const { abort, reason } = given()
    jest.spyOn(performance, 'now').mockReturnValue(performance.now() + 595_000)
    const held = gate('after')
    network.on('Refresh', held.fault)
    const response = Promise.allSettled([client.fetch(`${service.url}/healthz`, { signal: abort.signal })])
    await held.reached
    abort.abort(reason)
    expect(await response).toMatchObject([{ reason }])
    expect(network.count('fetch')).toBe(0)
    held.release()
    jest.restoreAllMocks()
  })
})

test('when a listener signs out, later listeners receive only the sign-out', async () => {
  const { email } = await signUp(service)
  const { client } = tab(service)
  const heard: unknown[] = []
  const out: Promise<void>[] = []
  client.onChange(user => void (user && out.push(client.logout())))
  client.onChange(user => heard.push(user))
  await client.login({ identifier: email, password: PASSWORD })
  await Promise.all(out)
  expect(heard).toEqual([null])
})

test('creating a client without a URL fails', () => {
  const url: string = JSON.parse('{}').url
  expect(() => createAuthClient({ url })).toThrow('createAuthClient has no url')
})

describe('a NetworkError says what came instead of an answer:', () => {
  test.each([
    ['an HTML page', answered('<h1>Not Found</h1>', 404), 'answered 404 without a GraphQL answer'],
    ['an empty answer', answered(''), 'answered 200 without a GraphQL answer'],
    ['JSON that is not GraphQL', answered('{}'), 'answered 200 without a GraphQL answer'],
    ['null data without errors', answered('{"data":null}'), 'answered 200 without a GraphQL answer'],
    ['no server', cut, 'Could not reach'],
  ])('%s', async (_case, fault, message) => {
    const { client, network } = tab(service)
    network.on('Login', fault)
    const login = client.login({ identifier: 'ada@example.com', password: PASSWORD })
    await expect(login).rejects.toMatchObject({
      name: 'NetworkError',
      message: expect.stringContaining(message),
    })
  })

  test('on a page of another origin, a NetworkError suggests adding the page to CORS_ORIGINS', async () => {
    const { client, network } = tab(service)
    network.on('Login', cut, cut)
    const login = () => client.login({ identifier: 'ada@example.com', password: PASSWORD })
    Object.assign(globalThis, { location: { origin: 'http://localhost:3000' } })
    try {
      await expect(login()).rejects.toThrow('add http://localhost:3000 to its CORS_ORIGINS')
      Object.assign(globalThis, { location: { origin: service.url } })
      await expect(login()).rejects.not.toThrow('CORS_ORIGINS')
    } finally {
      Reflect.deleteProperty(globalThis, 'location')
    }
  })
})
