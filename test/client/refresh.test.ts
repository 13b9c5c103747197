import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, jest, test } from '@jest/globals'
import { memoryStorage, NetworkError } from '../../src/client/index.ts'
import { PASSWORD, signUp } from '../support/actors.ts'
import { useService } from '../support/service.ts'
import { countEvents, DAY, refreshed, stateOf } from '../support/sessions.ts'
import {
  answered,
  cut,
  EXPIRY_SECONDS,
  gate,
  lost,
  type Network,
  refusedWith,
  replayed,
  settled,
  signedIn,
  tab,
} from './support.ts'

const service = useService()
const ME = 'query Me { me { id email } }'
const expire = () => service.clock.advance(EXPIRY_SECONDS)
afterEach(() => void jest.restoreAllMocks())

const sessionOf = (token: string | null) =>
  (JSON.parse(Buffer.from(token?.split('.')[1] ?? '', 'base64url').toString()) as { sid: string }).sid

describe('with an expired access token', () => {
  test('50 concurrent requests share one refresh, and each is sent at most twice', async () => {
    const { client, network } = await signedIn(service)
    expire()
    const answers = await Promise.all(Array.from({ length: 50 }, () => client.request(ME)))
    expect(new Set(answers.map(answer => JSON.stringify(answer))).size).toBe(1)
    expect(network.count('Refresh')).toBe(1)
    expect(network.count('Me')).toBeLessThanOrEqual(100)
  })

  test('50 concurrent renewals share one refresh and return its token', async () => {
    const { client, network } = await signedIn(service)
    const old = await client.getAccessToken()
    const tokens = await Promise.all(
      Array.from({ length: 50 }, () => client.renewAccessToken(old ?? undefined)),
    )
    expect(new Set(tokens).size).toBe(1)
    expect(tokens[0]).not.toBe(old)
    expect(await stateOf(service, tokens[0] ?? '')).toBe('LIVE')
    expect(network.count('Refresh')).toBe(1)
  })

  test('a request that was in flight during a refresh is repeated without another one', async () => {
    const { client, network } = await signedIn(service)
    expire()
    const slow = gate('before')
    network.on('Me', slow.fault)
    const late = client.request(ME)
    await slow.reached
    await client.renewAccessToken()
    slow.release()
    expect(await late).toMatchObject({ me: { id: client.state.user?.id } })
    expect(network.count('Refresh')).toBe(1)
  })

  test('a token is renewed before it expires, so that no request fails', async () => {
    const { client, network } = await signedIn(service)
    const started = performance.now()
    jest.spyOn(performance, 'now').mockImplementation(() => started + 595_000)
    await client.request(ME)
    expect(network.sent).toEqual(['Refresh', 'Me'])
  })
})

describe('a refresh whose answer is lost', () => {
  test('is repeated with the same token, and the session continues', async () => {
    const { client, network } = await signedIn(service)
    expire()
    network.on('Refresh', lost, lost)
    expect(await client.request(ME)).toMatchObject({ me: { id: client.state.user?.id } })
    expect(network.count('Refresh')).toBe(3)
    const session = sessionOf(await client.getAccessToken())
    const row = await service.app.db.session.findUnique({ where: { id: session } })
    expect(row).toMatchObject({ generation: 1, revokedAt: null })
  })

  test('fails after four attempts, and the user stays signed in', async () => {
    const { client, network } = await signedIn(service)
    expire()
    network.on('Refresh', lost, cut, lost, cut)
    await expect(client.request(ME)).rejects.toBeInstanceOf(NetworkError)
    expect(network.count('Refresh')).toBe(4)
    expect(client.state.status).toBe('signedIn')
    expect(await client.request(ME)).toMatchObject({ me: { id: client.state.user?.id } })
  })

  test('is repeated after an error page from a proxy', async () => {
    const { client, network } = await signedIn(service)
    expire()
    network.on('Refresh', answered('<h1>Bad Gateway</h1>', 502))
    expect(await client.request(ME)).toMatchObject({ me: { id: client.state.user?.id } })
  })

  test('is repeated if the server does not answer in time', async () => {
    const { client, network } = await signedIn(service, { timeoutMs: 300 })
    expire()
    network.on('Refresh', gate('after').fault)
    expect(await client.request(ME)).toMatchObject({ me: { id: client.state.user?.id } })
    expect(network.count('Refresh')).toBe(2)
  })
})

test('a refresh that reaches the server twice does not end the session', async () => {
  const { client, network } = await signedIn(service)
  for (let round = 0; round < 3; round++) {
    expire()
    network.on('Refresh', replayed)
    await client.request(ME)
  }
  expect(client.state.status).toBe('signedIn')
  const session = sessionOf(await client.getAccessToken())
  expect(await countEvents(service, session, 'session.reuse_detected')).toBe(0)
})

describe('an error that is not about the session does not sign out:', () => {
  test.each([
    ['RATE_LIMITED', 1],
    ['INTERNAL_SERVER_ERROR', 1],
    ['SERVICE_UNAVAILABLE', 4],
    ['CONFLICT', 4],
  ])('%s, after %d attempts', async (code, attempts) => {
    const { client, network } = await signedIn(service)
    expire()
    network.on('Refresh', ...Array(4).fill(refusedWith(code, { retryAfter: 0 })))
    await expect(client.request(ME)).rejects.toMatchObject({ name: 'AuthError', code })
    expect(network.count('Refresh')).toBe(attempts)
    expect(client.state.status).toBe('signedIn')
  })

  test('a refresh fails immediately if the server asks for a long delay', async () => {
    const { client, network } = await signedIn(service)
    expire()
    network.on('Refresh', refusedWith('SERVICE_UNAVAILABLE', { retryAfter: 60 }))
    await expect(client.request(ME)).rejects.toMatchObject({ retryAfterSeconds: 60 })
    expect(network.count('Refresh')).toBe(1)
  })

  test('a token that is still valid is used while it cannot be renewed', async () => {
    const { client, network } = await signedIn(service)
    const token = await client.getAccessToken()
    const started = performance.now()
    jest.spyOn(performance, 'now').mockImplementation(() => started + 595_000)
    network.on('Refresh', refusedWith('RATE_LIMITED', { retryAfter: 30 }))
    expect(await client.getAccessToken()).toBe(token)
  })
})

describe('the end of the session', () => {
  test('is detected with one refresh and reported to listeners once', async () => {
    const storage = memoryStorage()
    const { client, network } = await signedIn(service, { storage })
    const heard: unknown[] = []
    client.onChange(user => heard.push(user))
    await service.app.db.session.updateMany({
      where: { id: sessionOf(await client.getAccessToken()) },
      data: { revokedAt: service.clock.now() },
    })
    const failures = await Promise.allSettled([1, 2, 3].map(() => client.request(ME)))
    for (const failure of failures)
      expect(failure).toMatchObject({ reason: { code: 'UNAUTHENTICATED', reason: 'REVOKED' } })
    expect(network.count('Refresh')).toBe(1)
    expect(network.count('Me')).toBe(3)
    expect(heard).toEqual([null])
    expect(client.state).toEqual({ status: 'signedOut', user: null })
    expect(await storage.get()).toBeNull()
    expect(await client.getAccessToken()).toBeNull()
  })

  test('is detected after a copy of the refresh token was used', async () => {
    const storage = memoryStorage()
    const { client } = await signedIn(service, { storage })
    const stolen = String(await storage.get())
    const { refreshToken } = await refreshed(service, stolen)
    await refreshed(service, refreshToken)
    expire()
    await expect(client.request(ME)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
    expect(client.state.status).toBe('signedOut')
  })
})

describe('UNAUTHENTICATED', () => {
  test('leads to one refresh and one repetition, whatever the second answer is', async () => {
    const { client, network } = await signedIn(service)
    network.on('Me', ...Array(9).fill(refusedWith('UNAUTHENTICATED', { reason: 'EXPIRED' })))
    await expect(client.request(ME)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
    expect(network.sent).toEqual(['Me', 'Refresh', 'Me'])
  })

  test.each(['EXPIRED', 'INVALID', 'REVOKED', 'MISSING'])(
    'with the reason %s is resolved by a refresh',
    async reason => {
      const { client, network } = await signedIn(service)
      network.on('Me', refusedWith('UNAUTHENTICATED', { reason }))
      expect(await client.request(ME)).toMatchObject({ me: { id: client.state.user?.id } })
      expect(network.sent).toEqual(['Me', 'Refresh', 'Me'])
    },
  )

  test('is passed on when signed out', async () => {
    const { client, network } = tab(service)
    await expect(client.request(ME)).rejects.toMatchObject({ code: 'UNAUTHENTICATED', reason: 'MISSING' })
    expect(network.sent).toEqual(['Me'])
  })
})

describe('a clock that is wrong by', () => {
  test.each([
    ['a day ahead', DAY],
    ['a day behind', -DAY],
  ])('%s causes no extra refresh', async (_case, seconds) => {
    const real = Date.now
    jest.spyOn(Date, 'now').mockImplementation(() => real() + seconds * 1000)
    // The server reads the same clock in this process, so it is set right again.
    service.clock.advance(-seconds)
    try {
      const { client, network } = await signedIn(service)
      for (let count = 0; count < 3; count++) await client.request(ME)
      expect(network.count('Refresh')).toBe(0)
      expire()
      for (let count = 0; count < 3; count++) await client.request(ME)
      expect(network.count('Refresh')).toBe(1)
    } finally {
      service.clock.advance(seconds)
    }
  })
})

describe('during a refresh', () => {
  async function refreshing(place: 'before' | 'after') {
    const storage = memoryStorage()
    const one = await signedIn(service, { storage })
    const token = await one.client.getAccessToken()
    expire()
    const held = gate(place)
    one.network.on('Refresh', held.fault)
    const request = Promise.allSettled([one.client.request(ME)])
    await held.reached
    return { ...one, storage, held, request, sessionId: sessionOf(token) }
  }

  test.each(['before', 'after'] as const)('a sign-out is final: held %s the server', async place => {
    const { client, storage, held, request, sessionId } = await refreshing(place)
    const out = client.logout()
    expect(client.state.status).toBe('signedOut')
    held.release()
    await out
    expect(await request).toMatchObject([{ reason: { code: 'UNAUTHENTICATED' } }])
    await settled()
    expect(client.state.status).toBe('signedOut')
    expect(await storage.get()).toBeNull()
    const row = await service.app.db.session.findUnique({ where: { id: sessionId } })
    expect(row?.revokedAt).not.toBeNull()
  })

  test.each(['before', 'after'] as const)('a new sign-in is final: held %s the server', async place => {
    const { client, storage, held, request, sessionId } = await refreshing(place)
    const other = await signUp(service)
    await client.login({ identifier: other.email, password: PASSWORD })
    held.release()
    // A request that began as one user is not repeated as another.
    expect(await request).toMatchObject([{ reason: { code: 'UNAUTHENTICATED' } }])
    await settled()
    expect(client.state.user?.id).toBe(other.id)
    const token = await client.getAccessToken()
    expect(sessionOf(token)).not.toBe(sessionId)
    expect(await storage.get()).toContain(sessionOf(token))
  })

  test.each(['get', 'set'] as const)('a sign-out is final: held in the storage’s %s', async method => {
    const memory = memoryStorage()
    let hold: Promise<void> | undefined
    let reach = () => {}
    const slow = async () => {
      reach()
      await hold
    }
    const storage = {
      ...memory,
      get: async () => {
        const kept = await memory.get()
        if (method === 'get') await slow()
        return kept
      },
      set: async (token: string) => {
        if (method === 'set') await slow()
        await memory.set(token)
      },
    }
    const { client } = await signedIn(service, { storage })
    let release = () => {}
    hold = new Promise(resolve => {
      release = resolve
    })
    const reached = new Promise<void>(resolve => {
      reach = resolve
    })
    const renewal = client.renewAccessToken()
    await reached
    const heard: unknown[] = []
    client.onChange(user => heard.push(user))
    const out = client.logout()
    release()
    await out
    expect(await renewal).toBeNull()
    expect(heard).toEqual([null])
    expect(await memory.get()).toBeNull()
  })

  test('a sign-in with a wrong password keeps the session', async () => {
    const { client, held, request, email } = await refreshing('after')
    await expect(client.login({ identifier: email, password: 'wrong' })).rejects.toMatchObject({
      code: 'INVALID_CREDENTIALS',
    })
    held.release()
    expect(await request).toMatchObject([{ status: 'fulfilled' }])
    expect(client.state.status).toBe('signedIn')
  })
})

test('a token requested while another user signs in belongs to that user', async () => {
  const other = await signUp(service)
  const { client, network } = await signedIn(service)
  const started = performance.now()
  jest.spyOn(performance, 'now').mockImplementation(() => started + 595_000)
  const held = gate('after')
  network.on('Refresh', held.fault)
  const asked = client.getAccessToken()
  await held.reached
  await client.login({ identifier: other.email, password: PASSWORD })
  expect(await asked).not.toBeNull()
  expect(await asked).toBe(await client.getAccessToken())
})

test('a sign-out while a sign-in stores its token is final', async () => {
  const { id, email } = await signUp(service)
  const memory = memoryStorage()
  const holder: { out?: Promise<void> } = {}
  const set = async (token: string) => {
    await memory.set(token)
    holder.out = client.logout()
  }
  const { client } = tab(service, { storage: { ...memory, set } })
  await expect(client.login({ identifier: email, password: PASSWORD })).rejects.toThrow(
    'A later sign-in or sign-out replaced this one.',
  )
  await holder.out
  expect(client.state.status).toBe('signedOut')
  expect(await memory.get()).toBeNull()
  expect(await service.app.db.session.count({ where: { userId: id, revokedAt: null } })).toBe(1)
})

test('a sign-out during a sign-in leaves no session on the client or the server', async () => {
  const { id, email } = await signUp(service)
  const storage = memoryStorage()
  const { client, network } = tab(service, { storage })
  const held = gate('after')
  network.on('Login', held.fault)
  const login = Promise.allSettled([client.login({ identifier: email, password: PASSWORD })])
  await held.reached
  const out = client.logout()
  held.release()
  await out
  expect(await login).toMatchObject([{ status: 'rejected' }])
  expect(client.state.status).toBe('signedOut')
  expect(await storage.get()).toBeNull()
  const live = await service.app.db.session.count({ where: { userId: id, revokedAt: null } })
  expect(live).toBe(1)
})

describe('the stored refresh token', () => {
  test('is stored before the new access token is used', async () => {
    const kept: string[] = []
    const memory = memoryStorage()
    const holder: { network?: Network } = {}
    const storage = {
      ...memory,
      set: (token: string) => {
        kept.push(`kept ${holder.network?.sent.join(' ')}`)
        return memory.set(token)
      },
    }
    const { client, network } = await signedIn(service, { storage })
    holder.network = network
    expire()
    kept.length = 0
    await client.request(ME)
    expect(kept).toEqual(['kept Me Refresh'])
    expect(network.sent).toEqual(['Me', 'Refresh', 'Me'])
  })

  test('is kept in memory while the storage cannot be written, and the spent one is not presented', async () => {
    const memory = memoryStorage()
    const problems: unknown[] = []
    let locked = false
    const storage = {
      ...memory,
      set: (token: string) => {
        if (locked) throw new Error('the phone is locked')
        return memory.set(token)
      },
    }
    const { client } = await signedIn(service, { storage, onError: error => problems.push(error) })
    const before = await memory.get()
    locked = true
    for (let round = 0; round < 2; round++) {
      expire()
      await client.request(ME)
    }
    expect(problems.length).toBeGreaterThanOrEqual(2)
    expect(await memory.get()).toBe(before)
    locked = false
    expire()
    await client.request(ME)
    expect(client.state.status).toBe('signedIn')
    expect(await memory.get()).not.toBe(before)
  })

  test('is replaced by the newer one if another client exchanged it during the refresh', async () => {
    const storage = memoryStorage()
    const { client, network } = await signedIn(service, { storage })
    expire()
    const held = gate('after')
    network.on('Refresh', held.fault)
    const request = client.request(ME)
    await held.reached
    const second = await refreshed(service, String(await storage.get()))
    const third = await refreshed(service, second.refreshToken)
    await storage.set(third.refreshToken)
    held.release()
    await request
    const stored = String(await storage.get())
    expect(Number(stored.split('.')[1])).toBe(Number(third.refreshToken.split('.')[1]) + 1)
  })
})

test('restore resumes the stored session, and sends no request if none is stored', async () => {
  const storage = memoryStorage()
  const { client, email } = await signedIn(service, { storage })
  client.close()
  const again = tab(service, { storage })
  expect(again.client.state).toMatchObject({ status: 'restoring', user: undefined })
  expect(await again.client.restore()).toMatchObject({ email })
  expect(again.client.state.status).toBe('signedIn')

  const empty = tab(service)
  expect(await empty.client.restore()).toBeNull()
  expect(empty.network.sent).toEqual([])
})

test('restore without a network reports the error and succeeds later', async () => {
  const storage = memoryStorage()
  await signedIn(service, { storage })
  const { client, network } = tab(service, { storage })
  const heard: unknown[] = []
  client.onChange((user, state) => heard.push([user, state.status]))
  network.on('Refresh', cut, cut, cut, cut)
  await expect(client.restore()).rejects.toBeInstanceOf(NetworkError)
  expect(client.state).toMatchObject({ status: 'restoring', error: expect.any(NetworkError) })
  expect(await client.restore()).toMatchObject({ displayName: 'Ada' })
  expect(heard).toEqual([
    [undefined, 'restoring'],
    [expect.objectContaining({ displayName: 'Ada' }), 'signedIn'],
  ])
})

test('an unknown stored token is removed', async () => {
  const storage = memoryStorage()
  await storage.set(`${randomUUID()}.0.nothing`)
  const { client } = tab(service, { storage })
  expect(await client.restore()).toBeNull()
  expect(await storage.get()).toBeNull()
})

test('renewing the token of a closed client fails', async () => {
  const { client } = await signedIn(service)
  client.close()
  await expect(client.renewAccessToken()).rejects.toThrow('This client is closed')
})

test('after the device slept, the token is renewed before use, even if one clock stood still', async () => {
  const { client, network } = await signedIn(service)
  const real = Date.now
  jest.spyOn(Date, 'now').mockImplementation(() => real() + 8 * 3_600_000)
  service.clock.advance(EXPIRY_SECONDS)
  await client.request(ME)
  await client.request(ME)
  expect(network.sent).toEqual(['Refresh', 'Me', 'Me'])
})

describe('an overloaded proxy', () => {
  const busy = (retryAfter?: string) => async () =>
    new Response('busy', { status: 429, ...(retryAfter && { headers: { 'retry-after': retryAfter } }) })

  test.each([
    ['asks for a long delay, so the refresh fails immediately', '60', 1, 60],
    ['names no delay, so the refresh fails immediately', undefined, 1, undefined],
  ])('%s', async (_case, header, attempts, retryAfterSeconds) => {
    const { client, network } = await signedIn(service)
    expire()
    network.on('Refresh', busy(header))
    await expect(client.request(ME)).rejects.toMatchObject({
      name: 'NetworkError',
      status: 429,
      retryAfterSeconds,
    })
    expect(network.count('Refresh')).toBe(attempts)
    expect(client.state.status).toBe('signedIn')
  })

  test('asks for a short delay, after which the refresh is repeated', async () => {
    const { client, network } = await signedIn(service)
    expire()
    network.on('Refresh', busy('0'))
    expect(await client.request(ME)).toMatchObject({ me: { id: client.state.user?.id } })
    expect(network.count('Refresh')).toBe(2)
  })
})

test('a server that returns the same access token again is not asked repeatedly', async () => {
  const { client, network } = await signedIn(service)
  const token = await client.getAccessToken()
  const same = async (send: () => Promise<Response>) => {
    const text = await (await send()).text()
    return new Response(text.replace(/"accessToken":"[^"]+"/, `"accessToken":"${token}"`))
  }
  network.on('Refresh', same, same, same)
  await expect(client.renewAccessToken()).rejects.toThrow('the same access token again instead of a new one')
  expect(network.count('Refresh')).toBe(1)
})

test('a sign-out that did not reach the server is sent again by the next one', async () => {
  const { client, network } = await signedIn(service)
  const sessionId = sessionOf(await client.getAccessToken())
  const revokedAt = async () =>
    (await service.app.db.session.findUniqueOrThrow({ where: { id: sessionId } })).revokedAt
  network.on('Logout', cut, cut, cut, cut)
  await expect(client.logout()).rejects.toBeInstanceOf(NetworkError)
  expect(client.state.status).toBe('signedOut')
  expect(await revokedAt()).toBeNull()
  await client.logout()
  expect(await revokedAt()).not.toBeNull()
  expect(network.count('Logout')).toBe(5)
  await client.logout()
  expect(network.count('Logout')).toBe(5)
})

test.each(['', 'undefined', '[object Object]', '.0.', '\u0000', '😀'.repeat(500), 'x'.repeat(9000)])(
  'a storage that contains %j restores to signed out',
  async rubbish => {
    const storage = memoryStorage()
    await storage.set(rubbish)
    const { client } = tab(service, { storage })
    expect(await client.restore()).toBeNull()
    expect(client.state.status).toBe('signedOut')
  },
)

test('a storage that returns undefined counts as empty', async () => {
  const get = () => JSON.parse('{}').token as string | null
  const { client, network } = tab(service, { storage: { ...memoryStorage(), get } })
  expect(await client.restore()).toBeNull()
  expect(network.sent).toEqual([])
})

test('if the storage can be neither read nor written, a sign-in lasts until the page closes', async () => {
  const { email } = await signUp(service)
  const problems: unknown[] = []
  const broken = () => {
    throw new Error('the key was lost')
  }
  const storage = { get: broken, set: broken, remove: broken }
  const { client } = tab(service, { storage, onError: problem => problems.push(problem) })
  await expect(client.restore()).rejects.toThrow('the key was lost')
  await client.login({ identifier: email, password: PASSWORD })
  expire()
  expect(await client.request(ME)).toMatchObject({ me: { email } })
  expect(problems.length).toBeGreaterThan(0)
  await client.logout()
})
