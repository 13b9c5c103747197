import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client'
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { transformSync } from '@swc/core'
import { calculateJwkThumbprint, EmbeddedJWK, importJWK, type JWK, jwtVerify } from 'jose'
import { authLink } from '../../src/client/apollo.ts'
import * as authographClient from '../../src/client/index.ts'
import {
  createAuthClient,
  type KeyStorage,
  localStorageStorage,
  memoryKey,
  memoryStorage,
  rawSignature,
  type SessionKey,
  storedKey,
} from '../../src/client/index.ts'
import { guard } from '../../src/verify/express.ts'
import { createVerifier } from '../../src/verify/index.ts'
import { PASSWORD } from '../support/actors.ts'
import { useService } from '../support/service.ts'
import { countEvents } from '../support/sessions.ts'
import { snippetsIn } from '../support/snippets.ts'
import { EXPIRY_SECONDS, fakeLocks, type Jar, lost, replayed, settled, signedIn, tab } from './support.ts'

const ME = 'query Me { me { id } }'
const URL_OF_SERVER = 'https://auth.example.com/graphql'
const HOUR_MS = 3_600_000

type Seen = { operation: string; url: string; method: string; authorization: string | null; proof?: Proof }
type Proof = { jkt: string; claims: Record<string, unknown>; header: Record<string, unknown> }

const tokenOf = (claims: object) =>
  ['{"alg":"none"}', JSON.stringify(claims)].map(part => Buffer.from(part).toString('base64url')).join('.')

/** What a server knows of one session, and every request that it received. */
function fakeServer(mode: 'off' | 'refresh' | 'full') {
  const seen: Seen[] = []
  const state = { jkt: undefined as string | undefined, nonce: 'n0', generation: 0, refuse: false }
  let aheadMs = 0

  async function proofIn(headers: Headers): Promise<Proof | undefined> {
    const text = headers.get('dpop')
    if (!text || mode === 'off') return undefined
    const { payload, protectedHeader } = await jwtVerify(text, EmbeddedJWK, {
      typ: 'dpop+jwt',
      algorithms: ['ES256'],
      currentDate: new Date(Date.now() + aheadMs),
    })
    const jkt = await calculateJwkThumbprint(protectedHeader.jwk as JWK)
    return { jkt, claims: payload, header: { ...protectedHeader } }
  }

  function answerOf(operation: string, proof: Proof | undefined) {
    const refused = (code: string, reason?: string) => ({
      errors: [{ message: code, extensions: { code, ...(reason && { reason }) } }],
    })
    if (proof && proof.claims.nonce !== state.nonce) return refused('UNAUTHENTICATED', 'DPOP_NONCE')
    const user = { id: 'u', email: 'ada@example.com' }
    if (operation === 'Me') return { data: { me: user } }
    if (operation === 'Logout') return { data: { logout: true } }
    if (operation === 'Refresh' && state.jkt !== proof?.jkt)
      return refused('REFRESH_TOKEN_INVALID', 'DPOP_INVALID')
    if (operation === 'Login' && proof && state.refuse) return refused('UNAUTHENTICATED', 'DPOP_INVALID')
    if (operation === 'Login') state.jkt = proof?.jkt
    state.generation++
    const iat = Math.floor((Date.now() + aheadMs) / 1000)
    const cnf = mode === 'full' && state.jkt ? { cnf: { jkt: state.jkt } } : {}
    const payload = {
      __typename: 'AuthPayload',
      accessToken: tokenOf({ sid: 's', iat, exp: iat + 600, generation: state.generation, ...cnf }),
      refreshToken: `s.${state.generation}.x`,
      session: { id: 's', boundToKey: state.jkt !== undefined },
      user,
      deviceToken: null,
      passkeySuggestion: 'NONE',
    }
    return { data: operation === 'Login' ? { login: payload } : { refreshToken: payload } }
  }

  return {
    seen,
    state,
    /** Sets the server's clock ahead of the client's. */
    setAhead: (ms: number) => {
      aheadMs = ms
    },
    fetch: async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
      const headers = new Headers(init.headers)
      const proof = await proofIn(headers)
      const operation = /(?:query|mutation) (\w+)/.exec(String(init.body))?.[1] ?? 'fetch'
      const { method = 'GET' } = init
      const authorization = headers.get('authorization')
      seen.push({ operation, url: String(input), method, authorization, ...(proof && { proof }) })
      const answer = operation === 'fetch' ? {} : answerOf(operation, proof)
      return Response.json(answer, { headers: proof ? { 'dpop-nonce': state.nonce } : {} })
    },
    operations: () => seen.map(({ operation }) => operation),
  }
}

type Server = ReturnType<typeof fakeServer>
const opened: { close(): void }[] = []
function clientOf(server: Server, options: Partial<Parameters<typeof createAuthClient>[0]> = {}) {
  const client = createAuthClient({ url: URL_OF_SERVER, fetch: server.fetch, ...options })
  opened.push(client)
  return client
}
const login = (client: ReturnType<typeof clientOf>) => client.login({ identifier: 'ada', password: 'x' })

let warnings: string[]
beforeEach(() => {
  warnings = []
  jest.spyOn(console, 'warn').mockImplementation((text: unknown) => void warnings.push(String(text)))
})
afterEach(() => {
  jest.restoreAllMocks()
  for (const client of opened.splice(0)) client.close()
})
/** The texts of warnings are loaded on demand. */
const warned = async () => {
  for (let tries = 0; warnings.length === 0 && tries < 500; tries++)
    await new Promise(resolve => setTimeout(resolve, 10))
  return warnings
}

describe('a session that starts with a key', () => {
  test('is bound to it, and every exchange proves the same key to this endpoint with this nonce', async () => {
    const server = fakeServer('refresh')
    const client = clientOf(server)
    await login(client)
    expect(client.state).toMatchObject({ status: 'signedIn', boundToKey: true })
    server.state.nonce = 'n1'
    await client.renewAccessToken()
    // A nonce that is missing or outdated costs one repeat, and a current one none.
    expect(server.operations()).toEqual(['Login', 'Login', 'Refresh', 'Refresh'])
    await client.renewAccessToken()
    expect(server.operations()).toHaveLength(5)
    const proofs = server.seen.map(({ proof }) => proof)
    expect(new Set(proofs.map(proof => proof?.jkt)).size).toBe(1)
    expect(new Set(proofs.map(proof => proof?.claims.jti)).size).toBe(5)
    expect(proofs[4]).toMatchObject({
      claims: { htm: 'POST', htu: URL_OF_SERVER, nonce: 'n1', iat: expect.any(Number) },
      header: { alg: 'ES256', typ: 'dpop+jwt', jwk: { kty: 'EC', crv: 'P-256' } },
    })
    expect(Object.keys(proofs[4]?.header.jwk as object).sort()).toEqual(['crv', 'kty', 'x', 'y'])
    expect(server.seen.map(({ authorization }) => authorization)).toEqual(Array(5).fill(null))
    expect(server.state.generation).toBe(3)
  })

  test('sends no proof with other operations, whose access token is a bearer token', async () => {
    const server = fakeServer('refresh')
    const client = clientOf(server)
    await login(client)
    await client.me()
    await client.fetch('https://auth.example.com/x')
    expect(server.seen.slice(2)).toMatchObject([
      { operation: 'Me', authorization: expect.stringMatching(/^Bearer /) },
      { operation: 'fetch', authorization: expect.stringMatching(/^Bearer /) },
    ])
    expect(server.seen.slice(2).map(({ proof }) => proof)).toEqual([undefined, undefined])
  })

  test('loses the key when it ends, and the next one has another', async () => {
    const server = fakeServer('refresh')
    const key = memoryKey()
    const client = clientOf(server, { key })
    await login(client)
    const first = server.state.jkt
    await client.logout()
    expect(await key.get()).toBeNull()
    await login(client)
    expect(server.state.jkt).not.toBe(first)
  })

  test('ends as signed out if its key is lost, with one exchange and a message that says why', async () => {
    const server = fakeServer('refresh')
    const storage = memoryStorage()
    const key = memoryKey()
    await login(clientOf(server, { storage, key }))
    await key.remove()
    server.seen.length = 0
    const client = clientOf(server, { storage, key })
    expect(await client.restore()).toBeNull()
    expect(await client.restore()).toBeNull()
    expect(await client.getAccessToken()).toBeNull()
    expect(server.operations()).toEqual(['Refresh'])
    expect(await storage.get()).toBeNull()
    expect(await warned()).toEqual([expect.stringContaining('no longer has the key')])
  })

  test('is not refreshed while its key cannot be read, and goes on when it can', async () => {
    const server = fakeServer('refresh')
    const storage = memoryStorage()
    const kept = memoryKey()
    let locked = false
    const key: KeyStorage = {
      ...kept,
      get: () => {
        if (locked) throw new Error('The phone is locked.')
        return kept.get()
      },
    }
    await login(clientOf(server, { storage, key }))
    locked = true
    server.seen.length = 0
    const client = clientOf(server, { storage, key })
    await expect(client.restore()).rejects.toThrow('locked')
    expect([client.state.status, server.operations()]).toEqual(['restoring', []])
    locked = false
    expect(await client.restore()).toMatchObject({ id: 'u' })
  })
})

describe('a session is not bound', () => {
  const unbound = async (server: Server, options: Parameters<typeof clientOf>[1] = {}) => {
    const client = clientOf(server, options)
    const heard: unknown[] = []
    client.onChange((_user, session) => heard.push(session))
    await login(client)
    expect(heard.at(-1)).toMatchObject({ status: 'signedIn', boundToKey: false })
    await client.renewAccessToken()
    expect(client.state).toMatchObject({ status: 'signedIn', boundToKey: false })
    expect(server.seen.at(-1)).toMatchObject({ operation: 'Refresh' })
    expect(server.seen.at(-1)?.proof).toBeUndefined()
  }

  test('by a server that reads no proofs, and the key is not kept', async () => {
    const key = memoryKey()
    const server = fakeServer('off')
    await unbound(server, { key })
    expect([await key.get(), server.operations()]).toEqual([null, ['Login', 'Refresh']])
  })

  test('by a server that refuses the proof, as behind another address, and the message names PUBLIC_URL', async () => {
    const server = fakeServer('refresh')
    server.state.refuse = true
    await unbound(server)
    expect(await warned()).toEqual([expect.stringContaining('PUBLIC_URL')])
  })

  test('if the option says so', () => unbound(fakeServer('refresh'), { key: false }))

  test('if the refresh token outlives the process and no place for the key is given', () => {
    const { key: _, ...storage } = memoryStorage()
    return unbound(fakeServer('refresh'), { storage })
  })

  test('in a page whose tokens are in localStorage where the browser keeps no keys', () =>
    unbound(fakeServer('refresh'), { storage: localStorageStorage('here') }))

  test('if the key cannot be created, which onError hears of', async () => {
    const heard: unknown[] = []
    const key: KeyStorage = { ...memoryKey(), create: () => Promise.reject(new Error('full')) }
    await unbound(fakeServer('refresh'), { key, onError: error => heard.push(error) })
    expect(heard).toMatchObject([{ message: 'full' }])
  })
})

describe('if access tokens are bound too', () => {
  test('every request proves the key for its method, address and token, here and at other services', async () => {
    const server = fakeServer('full')
    const client = clientOf(server, { tokenOrigins: ['https://api.example.com'] })
    await login(client)
    const token = String(await client.getAccessToken())
    await client.me()
    await client.fetch('https://api.example.com/notes?q=1#top', { method: 'put' })
    const fields = await client.authorization('https://api.example.com/events')
    await server.fetch('https://api.example.com/events', { headers: fields })
    const ath = createHash('sha256').update(token).digest('base64url')
    const { jkt } = server.state
    expect(server.seen.slice(2)).toMatchObject([
      { operation: 'Me', proof: { jkt, claims: { htm: 'POST', htu: URL_OF_SERVER, ath } } },
      { proof: { jkt, claims: { htm: 'PUT', htu: 'https://api.example.com/notes', ath } } },
      { proof: { jkt, claims: { htm: 'GET', htu: 'https://api.example.com/events', ath } } },
    ])
    for (const { authorization } of server.seen.slice(2)) expect(authorization).toBe(`DPoP ${token}`)
    await expect(client.authorization('https://evil.example')).rejects.toThrow('tokenOrigins')
  })

  test('a request is repeated with a new nonce, and an operation runs once', async () => {
    const server = fakeServer('full')
    const client = clientOf(server)
    await login(client)
    server.state.nonce = 'n1'
    expect(await client.me()).toMatchObject({ id: 'u' })
    expect(server.operations().slice(2)).toEqual(['Me', 'Me'])
  })

  test('signing out proves the key that it deletes, also when it is repeated', async () => {
    const server = fakeServer('full')
    const client = clientOf(server)
    await login(client)
    await client.logout()
    expect(server.seen.at(-1)).toMatchObject({ operation: 'Logout', proof: { jkt: server.state.jkt } })
  })

  test('proofs carry the server’s time, although the device’s clock is hours behind', async () => {
    const server = fakeServer('full')
    server.setAhead(5 * HOUR_MS)
    const client = clientOf(server)
    await login(client)
    await client.fetch('https://auth.example.com/x')
    const now = (Date.now() + 5 * HOUR_MS) / 1000
    expect(Math.abs(Number(server.seen.at(-1)?.proof?.claims.iat) - now)).toBeLessThan(30)
  })
})

describe('a key kept as text', () => {
  const place = () => {
    const kept: { text: string | null } = { text: null }
    const storage = storedKey({
      get: () => kept.text,
      set: text => {
        kept.text = text
      },
      remove: () => {
        kept.text = null
      },
    })
    return { kept, storage }
  }

  test('is the same after a restart, until the session ends', async () => {
    const { kept, storage } = place()
    const server = fakeServer('refresh')
    const tokens = memoryStorage()
    await login(clientOf(server, { storage: tokens, key: storage }))
    const again = clientOf(server, {
      storage: tokens,
      key: storedKey({ get: () => kept.text, set: () => {}, remove: storage.remove }),
    })
    expect(await again.restore()).toMatchObject({ id: 'u' })
    await again.logout()
    expect(kept.text).toBeNull()
  })

  test('is not replaced by a second sign-in', async () => {
    const { storage } = place()
    const [one, two] = [await storage.create(), await storage.create()]
    expect(one?.publicKey).toEqual(two?.publicKey)
  })
})

test('signatures of Keychain and Keystore become those of proofs, with and without leading zeros', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = publicKey.export({ format: 'jwk' }) as SessionKey['publicKey']
  const native: SessionKey = {
    publicKey: jwk,
    sign: async text => rawSignature(sign('sha256', Buffer.from(text), privateKey).toString('base64')),
  }
  const key = await importJWK(jwk, 'ES256')
  // About every 128th number is shorter than the others.
  for (let round = 0; round < 300; round++) {
    const text = `e30.${Buffer.from(`{"round":${round}}`).toString('base64url')}`
    const header = Buffer.from('{"alg":"ES256"}').toString('base64url')
    const input = text.replace('e30', header)
    expect((await jwtVerify(`${input}.${await native.sign(input)}`, key)).payload.round).toBe(round)
  }
  for (const wrong of ['', btoa('x'), btoa('0\x06\x02\x01')])
    expect(() => rawSignature(wrong)).toThrow(TypeError)
})

/** The module `react-native-device-crypto` as its types and its native code say: PEM and DER, in base64 with line breaks. */
function fakeKeystore(lineLength: number, end: string) {
  const keys = new Map<string, ReturnType<typeof generateKeyPairSync>>()
  const pemOf = (alias: string) => {
    const spki = keys.get(alias)?.publicKey.export({ format: 'der', type: 'spki' })
    if (!spki) throw new Error(`${alias} not found in keystore`)
    const lines = spki
      .toString('base64')
      .match(new RegExp(`.{1,${lineLength}}`, 'g'))
      ?.join('\n')
    return `-----BEGIN PUBLIC KEY-----\n${lines}${end}-----END PUBLIC KEY-----`
  }
  const DeviceCrypto = {
    getOrCreateAsymmetricKey: async (alias: string, { accessLevel }: { accessLevel: number }) => {
      if (accessLevel !== 0) throw new Error('This device has no passcode.')
      if (!keys.has(alias)) keys.set(alias, generateKeyPairSync('ec', { namedCurve: 'P-256' }))
      return pemOf(alias)
    },
    isKeyExists: async (alias: string, type: number) => type === 0 && keys.has(alias),
    getPublicKey: async (alias: string) => pemOf(alias),
    sign: async (alias: string, plainText: string, texts: { biometryTitle: string }) => {
      const key = keys.get(alias)?.privateKey
      if (!key || typeof texts.biometryTitle !== 'string') throw new Error('no key')
      return sign('sha256', Buffer.from(plainText), key).toString('base64')
    },
    deleteKey: async (alias: string) => keys.delete(alias),
  }
  const module = { default: DeviceCrypto, AccessLevel: { ALWAYS: 0 }, KeyTypes: { ASYMMETRIC: 0 } }
  return { keys, module: { ...module, __esModule: true } }
}

describe('the adapter for React Native in the docs, with a key in the keystore of the device', () => {
  const [snippet] = snippetsIn('ts').filter(({ text }) => text.includes("'react-native-device-crypto'"))
  const { code } = transformSync(snippet?.text ?? '', {
    jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
    module: { type: 'commonjs' },
  })
  const adapterOn = (keystore: object) => {
    const exported: { deviceKey?: (alias: string) => KeyStorage } = {}
    const modules: Record<string, object> = {
      'authograph-client': authographClient,
      'react-native-device-crypto': keystore,
    }
    new Function('require', 'exports', code)((name: string) => modules[name], exported)
    return exported.deviceKey as (alias: string) => KeyStorage
  }

  test.each([
    ['iOS', 64, '\n'],
    ['Android', 76, '\n'],
  ])(
    'binds a session on %s, continues it after a restart, and deletes the key at the end',
    async (_name, ...pem) => {
      const { keys, module } = fakeKeystore(...pem)
      const deviceKey = adapterOn(module)
      const server = fakeServer('refresh')
      const storage = memoryStorage()
      const options = () => ({ storage, key: deviceKey('authograph') })
      await login(clientOf(server, options()))
      expect([...keys.keys()]).toEqual(['authograph'])
      const again = clientOf(server, options())
      expect(await again.restore()).toMatchObject({ id: 'u' })
      await again.renewAccessToken()
      expect(again.state).toMatchObject({ status: 'signedIn', boundToKey: true })
      expect(server.seen.at(-1)).toMatchObject({ operation: 'Refresh', proof: { jkt: server.state.jkt } })
      await again.logout()
      expect(keys.size).toBe(0)
    },
  )
})

describe('over HTTP', () => {
  const service = useService()
  /** Proofs are for the address in PUBLIC_URL. */
  const reachable = (dpop: 'refresh' | 'full') =>
    Object.assign(service.app.config, { publicUrl: service.url, dpop })
  beforeEach(() => void reachable('refresh'))
  const sessionOf = async (email: string) => {
    const { id: userId } = await service.app.db.user.findFirstOrThrow({ where: { email } })
    return service.app.db.session.findFirstOrThrow({ where: { userId } })
  }

  test.each<[string, () => Jar | undefined]>([
    ['cookie', () => ({})],
    ['token', () => undefined],
  ])('a copy of the %s gets nothing without the key, and the owner goes on', async (_name, newJar) => {
    const jar = newJar()
    const storage = memoryStorage()
    const { client, email } = await signedIn(service, { key: memoryKey(), storage }, jar)
    expect(client.state).toMatchObject({ status: 'signedIn', boundToKey: true })
    expect(await client.sessions.list()).toMatchObject([{ current: true, boundToKey: true }])
    const copied = { ...memoryStorage(), get: storage.get }
    for (const key of [false, memoryKey(), { ...memoryKey(), get: memoryKey().create }] as const) {
      const thief = tab(service, { key, storage: copied }, jar && { ...jar })
      expect(await thief.client.restore()).toBeNull()
      expect(thief.client.state.status).toBe('signedOut')
    }
    expect(await countEvents(service, (await sessionOf(email)).id, 'session.copy_refused')).toBe(1)
    for (let round = 0; round < 3; round++) {
      service.clock.advance(EXPIRY_SECONDS)
      expect(await client.request(ME)).toEqual({ me: { id: client.state.user?.id } })
    }
  })

  test('ten tabs with one key refresh once, and stay signed in although answers are lost or requests doubled', async () => {
    const shared = { ...memoryStorage(), scope: 'bound', key: memoryKey() }
    const jar: Jar = {}
    const options = { key: shared.key, locks: fakeLocks() }
    const first = await signedIn(service, options, jar)
    const tabs = [first, ...Array.from({ length: 9 }, () => tab(service, options, jar))]
    for (const { client } of tabs) await client.restore()
    await settled()
    for (const fault of [undefined, lost, replayed]) {
      service.clock.advance(EXPIRY_SECONDS)
      for (const { network } of tabs) if (fault) network.on('Refresh', fault)
      await Promise.all(tabs.map(({ client }) => client.request(ME)))
    }
    expect(tabs.map(({ client }) => client.state)).toEqual(
      Array(10).fill(expect.objectContaining({ status: 'signedIn', boundToKey: true })),
    )
    const { id } = await sessionOf(first.email)
    for (const action of ['session.reuse_detected', 'session.copy_refused'] as const)
      expect(await countEvents(service, id, action)).toBe(0)
    await tabs[4]?.client.logout()
    await settled()
    expect(tabs.map(({ client }) => client.state.status)).toEqual(Array(10).fill('signedOut'))
    expect(await shared.key.get()).toBeNull()
  })

  test('with DPOP=full, requests, step-ups, sign-outs and other services work, and a copied access token does not', async () => {
    reachable('full')
    const { client, network, email } = await signedIn(service, {
      key: memoryKey(),
      tokenOrigins: ['https://api.example.com'],
    })
    const token = String(await client.getAccessToken())
    expect(await client.request(ME)).toEqual({ me: { id: client.state.user?.id } })
    const asked = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: ME }),
    }
    const answer = await client.fetch(`${service.url}/graphql`, asked)
    expect(await answer.json()).toMatchObject({ data: { me: { id: client.state.user?.id } } })
    const http = new HttpLink({ uri: `${service.url}/graphql`, fetch: client.fetch })
    const apollo = new ApolloClient({ link: authLink(client).concat(http), cache: new InMemoryCache() })
    const { data } = await apollo.query<{ me: { id: string } }>({ query: gql(ME) })
    expect(data?.me.id).toBe(client.state.user?.id)
    apollo.stop()
    await client.stepUp({ password: PASSWORD })
    service.clock.advance(EXPIRY_SECONDS)
    expect(await client.me()).toMatchObject({ email })
    const { errors } = await service.send(ME, {}, { token })
    expect(errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }])

    const verifier = createVerifier({
      issuer: service.app.config.tokens.issuer,
      audience: service.app.config.tokens.audience,
      jwksUrl: `${service.url}/.well-known/jwks.json`,
      now: () => service.clock.now().getTime(),
      dpop: { url: 'https://api.example.com' },
    })
    const headers = await client.authorization('https://api.example.com/notes', 'PUT')
    const request = { headers, method: 'PUT', url: '/notes' }
    const outcome = await new Promise(resolve => {
      const response = { statusCode: 200, setHeader: () => {}, end: (body: string) => resolve(body) }
      guard(verifier)(request, response, resolve)
    })
    expect(outcome).toBeUndefined()

    network.sent.length = 0
    await client.logout()
    expect((await sessionOf(email)).revokedAt).not.toBeNull()
  })
})
