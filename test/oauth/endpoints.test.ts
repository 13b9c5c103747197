import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto'
import { type AddressInfo, createServer } from 'node:net'
import { beforeAll, describe, expect, jest, test } from '@jest/globals'
import { SignJWT } from 'jose'
import * as client from 'openid-client'
import { AuthError, createVerifier, type VerifierOptions } from '../../src/verify/index.ts'
import { as, newRole, type SignedIn, signUp, signUpAdmin, signUpVerified } from '../support/actors.ts'
import { claimsOf, forge, headerOf } from '../support/forge.ts'
import { type Service, startService, useService } from '../support/service.ts'
import {
  basic,
  newServiceAccount,
  type OAuthReply,
  post,
  type TestClient,
  tokenOf,
} from '../support/service-accounts.ts'

// The library finds everything from the issuer, so the service answers at its public address.
const port = await freePort()
const ISSUER = `http://localhost:${port}`
const API = 'https://api.example.com'
const service = useService({
  settings: { PORT: String(port), PUBLIC_URL: ISSUER, TOKEN_CLAIMS: 'permissions,roles,email' },
})

let admin: SignedIn
let role: string
let billing: TestClient
beforeAll(async () => {
  admin = await signUpAdmin(service)
  role = await newRole(service, 'users:read', 'audit:read')
  billing = await newServiceAccount(service, admin, { roles: [role], audiences: ['authograph', API] })
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, 'localhost')
  await new Promise(resolve => server.once('listening', resolve))
  const { port: free } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return free
}

const GRANT = { grant_type: 'client_credentials' }
const now = () => Math.floor(service.clock.now().getTime() / 1000)
const secretPost = ({ id, secret }: TestClient) => ({ client_id: id, client_secret: secret })
const UNKNOWN: TestClient = {
  name: 'none',
  id: '00000000-0000-7000-8000-000000000000',
  secret: `ags_${'A'.repeat(43)}`,
}
const eventsOf = (action: string, subjectId: string) =>
  service.app.db.auditEvent.findMany({ where: { action, subjectId }, orderBy: { id: 'asc' } })

/** RFC 6749, section 5.2, and no cache. */
function expectError(reply: OAuthReply, status: number, error: string): void {
  expect([reply.status, reply.body.error]).toEqual([status, error])
  expect(reply.headers.get('content-type')).toMatch(/^application\/json\b/)
  expect(reply.headers.get('cache-control')).toBe('no-store')
  expect(reply.headers.get('pragma')).toBe('no-cache')
  expect(reply.body.error_description).toMatch(/^[\x20\x21\x23-\x5B\x5D-\x7E]+$/)
  if (status === 401)
    expect(reply.headers.get('www-authenticate')).toBe(`Basic realm="${ISSUER}", charset="UTF-8"`)
}

describe('openid-client', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  let keyed: TestClient
  beforeAll(async () => {
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    keyed = await newServiceAccount(service, admin, { roles: [role], publicKeys: [pem] })
    expect(keyed.secret).toBe('')
  })

  const methods: [string, () => Promise<[string, client.ClientAuth]>][] = [
    ['client_secret_basic', async () => [billing.id, client.ClientSecretBasic(billing.secret)]],
    ['client_secret_post', async () => [billing.id, client.ClientSecretPost(billing.secret)]],
    ['private_key_jwt', async () => [keyed.id, client.PrivateKeyJwt(await imported(privateKey))]],
  ]
  const imported = (key: KeyObject) =>
    crypto.subtle.importKey(
      'pkcs8',
      key.export({ type: 'pkcs8', format: 'der' }),
      { name: 'ECDSA', namedCurve: 'P-256' },
      false,
      ['sign'],
    )

  test.each(methods)(
    'finds the endpoints, and receives, introspects and revokes a token with %s',
    async (method, credentials) => {
      const [id, authentication] = await credentials()
      const config = await client.discovery(new URL(ISSUER), id, undefined, authentication, {
        execute: [client.allowInsecureRequests],
        algorithm: 'oauth2',
      })
      expect(config.serverMetadata().token_endpoint_auth_methods_supported).toContain(method)
      const tokens = await client.clientCredentialsGrant(config)
      expect(tokens).toMatchObject({ token_type: 'bearer', expires_in: 600, scope: 'audit:read users:read' })
      const facts = await client.tokenIntrospection(config, tokens.access_token)
      expect(facts).toMatchObject({ active: true, sub: id, client_id: id, iss: ISSUER, aud: 'authograph' })
      await client.tokenRevocation(config, tokens.access_token)
      expect(await client.tokenIntrospection(config, tokens.access_token)).toEqual({ active: false })
    },
  )
})

describe('a token', () => {
  test('is an at+jwt whose subject is the client, and must not be cached', async () => {
    const reply = await post(service, 'token', GRANT, basic(billing))
    expect(reply.status).toBe(200)
    expect(reply.headers.get('cache-control')).toBe('no-store')
    expect(reply.headers.get('pragma')).toBe('no-cache')
    expect(reply.body).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 600,
      scope: 'audit:read users:read',
    })
    const token = reply.body.access_token ?? ''
    expect(headerOf(token)).toMatchObject({ alg: 'ES256', typ: 'at+jwt' })
    expect(claimsOf(token)).toEqual({
      iss: ISSUER,
      aud: 'authograph',
      sub: billing.id,
      client_id: billing.id,
      gen: 0,
      permissions: ['audit:read', 'users:read'],
      roles: [role],
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
      iat: expect.any(Number),
      exp: Number(claimsOf(token).iat) + 600,
    })
  })

  test('is for a registered audience that the request names, the first one by default, and never for another', async () => {
    const audience = async (...resources: string[]) =>
      post(
        service,
        'token',
        [
          ['grant_type', 'client_credentials'],
          ...resources.map((value): [string, string] => ['resource', value]),
        ],
        basic(billing),
      )
    expect(claimsOf((await audience(API)).body.access_token ?? '').aud).toBe(API)
    expect(claimsOf((await audience()).body.access_token ?? '').aud).toBe('authograph')
    for (const others of [['https://evil.example'], [`${API}/`], ['authograph', API]])
      expectError(await audience(...others), 400, 'invalid_target')
    const asked = { ...GRANT, audience: 'https://evil.example', aud: 'https://evil.example' }
    const reply = await post(service, 'token', asked, basic(billing))
    expect(claimsOf(reply.body.access_token ?? '').aud).toBe('authograph')
  })

  test('with a scope is limited to these permissions, and says nothing of roles', async () => {
    const token = await tokenOf(service, billing, { scope: 'users:read users:read' })
    expect(claimsOf(token)).toMatchObject({ scope: 'users:read', permissions: ['users:read'] })
    expect(claimsOf(token)).not.toHaveProperty('roles', [role])
    for (const scope of ['users:delete', 'users:read users:delete', 'users:read  audit:read', '*', ' '])
      expectError(await post(service, 'token', { ...GRANT, scope }, basic(billing)), 400, 'invalid_scope')
  })

  test('is recorded with its audience at most once a minute, and never with the secret', async () => {
    const own = await newServiceAccount(service, admin)
    await Promise.all([tokenOf(service, own), tokenOf(service, own), tokenOf(service, own)])
    const events = await eventsOf('service.token_issued', own.id)
    expect(events).toMatchObject([
      { actorId: own.id, ipAddress: '127.0.0.1', detail: { audience: 'authograph' } },
    ])
    service.clock.advance(61)
    await tokenOf(service, own)
    expect(await eventsOf('service.token_issued', own.id)).toHaveLength(2)
    const row = await service.app.db.serviceAccount.findUniqueOrThrow({ where: { id: own.id } })
    expect(row.lastUsedAt).toEqual((await eventsOf('service.token_issued', own.id))[1]?.at)
    expect(JSON.stringify([await service.app.db.auditEvent.findMany(), row])).not.toContain(
      own.secret.slice(4),
    )
  })
})

describe('a malformed request', () => {
  const malformed: [string, () => Promise<OAuthReply>, string][] = [
    ['without a grant type', () => post(service, 'token', {}, basic(billing)), 'invalid_request'],
    [
      'with another grant type',
      () => post(service, 'token', { grant_type: 'password' }, basic(billing)),
      'unsupported_grant_type',
    ],
    [
      'with a parameter twice',
      () =>
        post(service, 'token', [...Object.entries(GRANT), ['scope', 'a'], ['scope', 'b']], basic(billing)),
      'invalid_request',
    ],
    [
      'with two methods of authentication',
      () => post(service, 'token', { ...GRANT, ...secretPost(billing) }, basic(billing)),
      'invalid_request',
    ],
    [
      'whose client_id is not the client that authenticates',
      () => post(service, 'token', { ...GRANT, client_id: UNKNOWN.id }, basic(billing)),
      'invalid_request',
    ],
    [
      'with an assertion of another type',
      () => post(service, 'token', { ...GRANT, client_assertion: 'a.b.c', client_assertion_type: 'saml' }),
      'invalid_request',
    ],
    [
      'without a token to introspect',
      () => post(service, 'introspect', {}, basic(billing)),
      'invalid_request',
    ],
    [
      'without a token to revoke',
      () => post(service, 'revoke', { token: '' }, basic(billing)),
      'invalid_request',
    ],
  ]

  test.each(malformed)('%s is refused', async (_what, send, error) => {
    expectError(await send(), 400, error)
  })

  test('that is no form, or whose parameters are in the address, is refused', async () => {
    const send = async (body: string | undefined, headers: Record<string, string>, query = '') => {
      const response = await fetch(`${service.url}/oauth/token${query}`, {
        method: 'POST',
        headers: { ...headers, ...basic(billing) },
        ...(body !== undefined && { body }),
      })
      return { status: response.status, headers: response.headers, body: await response.json() } as OAuthReply
    }
    expectError(
      await send(JSON.stringify(GRANT), { 'content-type': 'application/json' }),
      400,
      'invalid_request',
    )
    expectError(await send('x', { 'content-type': 'text/plain' }), 400, 'invalid_request')
    expectError(await send(undefined, {}, '?grant_type=client_credentials'), 400, 'invalid_request')
    const get = await fetch(`${service.url}/oauth/token?${new URLSearchParams(GRANT)}`)
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST'])
  })
})

describe('a client that proves nothing', () => {
  const denied: [string, () => Promise<OAuthReply>][] = [
    ['no credentials', () => post(service, 'token', GRANT)],
    ['an ID alone', () => post(service, 'token', { ...GRANT, client_id: billing.id })],
    ['a wrong secret', () => post(service, 'token', GRANT, basic({ ...billing, secret: UNKNOWN.secret }))],
    ['an unknown client', () => post(service, 'token', GRANT, basic(UNKNOWN))],
    ['an ID that is none', () => post(service, 'token', GRANT, basic({ id: "' OR 1=1", secret: 'x' }))],
    [
      'a bearer token',
      async () => post(service, 'token', GRANT, { authorization: `Bearer ${admin.accessToken}` }),
    ],
    ['a broken header', () => post(service, 'token', GRANT, { authorization: 'Basic %%%' })],
    ['the hash of the secret', async () => post(service, 'token', GRANT, basic(await withHash()))],
  ]
  const withHash = async () => {
    const { secretHash } = await service.app.db.serviceAccount.findUniqueOrThrow({
      where: { id: billing.id },
    })
    return { id: billing.id, secret: Buffer.from(secretHash ?? []).toString('base64url') }
  }

  test.each(denied)('is refused, without a word about the reason: %s', async (_what, send) => {
    const reply = await send()
    expectError(reply, 401, 'invalid_client')
    expect(reply.body.error_description).toBe('Client authentication failed.')
  })

  test('is refused at every endpoint', async () => {
    for (const endpoint of ['token', 'introspect', 'revoke'] as const)
      expectError(await post(service, endpoint, { token: 'x' }, basic(UNKNOWN)), 401, 'invalid_client')
  })

  test('costs the same statements whether or not it exists, and is recorded', async () => {
    const statements: string[] = []
    const { pool } = service.app
    const query = pool.query.bind(pool)
    pool.query = ((...args: Parameters<typeof query>) => {
      const { name, text = '' } = args[0] as { name?: string; text?: string }
      // Background tasks use the same pool.
      if (/service_accounts|audit_events/.test(text)) statements.push(name ?? text)
      return (query as (...all: unknown[]) => unknown)(...args)
    }) as typeof pool.query
    try {
      await post(service, 'token', GRANT, basic({ ...billing, secret: UNKNOWN.secret }))
      const known = statements.splice(0)
      await post(service, 'token', GRANT, basic(UNKNOWN))
      expect(statements).toEqual(known)
      expect(known).toContain('service-account')
    } finally {
      pool.query = query
    }
    expect((await eventsOf('service.denied', billing.id)).at(-1)).toMatchObject({
      actorId: null,
      ipAddress: '127.0.0.1',
      detail: { clientId: billing.id },
    })
  })

  test('is RATE_LIMITED after too many failures from a network, from which clients with a secret go on', async () => {
    const limited = await startService({
      databaseUrl: service.app.config.database.url ?? '',
      settings: {
        LIMIT_CLIENT_NETWORK: '3/15m',
        TRUSTED_PROXIES: '127.0.0.1, ::1',
        SMTP_URL: service.app.config.mail.smtpUrl ?? '',
      },
      clock: service.clock,
    })
    const from = (of: TestClient) => ({ ...basic(of), 'x-forwarded-for': '198.18.0.1' })
    try {
      for (let count = 0; count < 3; count++)
        expect((await post(limited, 'token', GRANT, from(UNKNOWN))).status).toBe(401)
      const reply = await post(limited, 'token', GRANT, from(UNKNOWN))
      expect([reply.status, reply.body.error]).toEqual([429, 'temporarily_unavailable'])
      expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(25)
      expect((await post(limited, 'token', GRANT, from(billing))).status).toBe(200)
    } finally {
      await limited.close()
    }
  })
})

describe('an assertion (private_key_jwt)', () => {
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const ed = generateKeyPairSync('ed25519')
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = (key: KeyObject, kid: string) => JSON.stringify({ ...key.export({ format: 'jwk' }), kid })
  let keyed: TestClient
  beforeAll(async () => {
    keyed = await newServiceAccount(service, admin, {
      publicKeys: [jwk(ec.publicKey, 'ec'), jwk(rsa.publicKey, 'rsa'), jwk(ed.publicKey, 'ed')],
    })
  })

  type Made = { claims?: Record<string, unknown>; header?: object; key?: KeyObject }
  const assertion = ({ claims = {}, header = {}, key = ec.privateKey }: Made = {}) =>
    new SignJWT({
      iss: keyed.id,
      sub: keyed.id,
      aud: ISSUER,
      jti: randomUUID(),
      exp: now() + 60,
      ...claims,
    })
      .setProtectedHeader({ alg: 'ES256', kid: 'ec', ...header })
      .sign(key)
  const send = async (text: string | Promise<string>, on: Service = service, form: object = {}) =>
    post(on, 'token', {
      ...GRANT,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await text,
      ...form,
    })

  test.each([
    ['ES256', 'ec', ec.privateKey],
    ['RS256', 'rsa', rsa.privateKey],
    ['PS256', 'rsa', rsa.privateKey],
    ['EdDSA', 'ed', ed.privateKey],
    ['Ed25519', 'ed', ed.privateKey],
  ])('of %s is accepted, also without the ID of the key', async (alg, kid, key) => {
    expect((await send(assertion({ header: { alg, kid }, key }))).status).toBe(200)
    expect((await send(assertion({ header: { alg, kid: undefined }, key }))).status).toBe(200)
  })

  test('for the issuer or for the token endpoint is accepted, at all three endpoints', async () => {
    for (const aud of [ISSUER, `${ISSUER}/oauth/token`, [ISSUER]])
      expect([aud, (await send(assertion({ claims: { aud } }))).status]).toEqual([aud, 200])
    const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
    for (const endpoint of ['introspect', 'revoke'] as const) {
      const form = { token: 'x', client_assertion_type: type, client_assertion: await assertion() }
      const reply = await post(service, endpoint, form)
      expect(reply.body.error).not.toBe('invalid_client')
    }
  })

  test('is accepted once, also if it is sent several times at the same time', async () => {
    const text = await assertion()
    const replies = await Promise.all([1, 2, 3, 4, 5].map(() => send(text)))
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401, 401])
    expectError(await send(text), 401, 'invalid_client')
    const jti = 'chosen by the client'
    expect((await send(assertion({ claims: { jti } }))).status).toBe(200)
    expectError(await send(assertion({ claims: { jti, exp: now() + 90 } })), 401, 'invalid_client')
  })

  const refused: [string, Made | (() => Made)][] = [
    ['for another server', { claims: { aud: 'https://evil.example' } }],
    ['for this server and another', { claims: { aud: [ISSUER, 'https://evil.example'] } }],
    ['without an audience', { claims: { aud: undefined } }],
    ['of another issuer', { claims: { iss: UNKNOWN.id } }],
    ['of an unknown client', { claims: { iss: UNKNOWN.id, sub: UNKNOWN.id } }],
    ['without a subject', { claims: { sub: undefined } }],
    ['without an ID', { claims: { jti: undefined } }],
    ['with an empty ID', { claims: { jti: '' } }],
    ['without an end', { claims: { exp: undefined } }],
    ['that has expired', () => ({ claims: { exp: now() - 61 } })],
    ['that lives too long', () => ({ claims: { exp: now() + 700 } })],
    ['of the future', () => ({ claims: { iat: now() + 100 } })],
    ['that is not valid yet', () => ({ claims: { nbf: now() + 100 } })],
    ['of another key', { key: other.privateKey }],
    ['of another key under no ID', { key: other.privateKey, header: { kid: undefined } }],
    ['with the ID of another key', { header: { kid: 'rsa' } }],
    ['with another algorithm', { key: rsa.privateKey, header: { alg: 'RS512', kid: 'rsa' } }],
    [
      'that brings its own key',
      { key: other.privateKey, header: { jwk: other.publicKey.export({ format: 'jwk' }) } },
    ],
  ]
  test.each(refused)('%s is refused', async (_what, made) => {
    expectError(await send(assertion(typeof made === 'function' ? made() : made)), 401, 'invalid_client')
  })

  test('takes the same work for an unknown client, whatever keys a client has and however long the signature is', async () => {
    // Their factors are unknown, so they take no time to generate.
    const rsaKey = (bytes: number, kid: string) => {
      const n = Buffer.alloc(bytes, 0xff).toString('base64url')
      return JSON.stringify({ kty: 'RSA', n, e: 'AQAB', kid })
    }
    const publicKeys = [rsaKey(256, 'short'), rsaKey(512, 'long'), rsaKey(512, 'longer')]
    const long = await newServiceAccount(service, admin, { publicKeys })
    const verify = jest.spyOn(crypto.subtle, 'verify')
    const workFor = async (id: string, bytes: number, kid?: string) => {
      verify.mockClear()
      const part = (members: object) => Buffer.from(JSON.stringify(members)).toString('base64url')
      const claims = { iss: id, sub: id, aud: ISSUER, jti: randomUUID(), exp: now() + 60 }
      const signature = Buffer.alloc(bytes, 1).toString('base64url')
      const text = `${part({ alg: 'RS256', kid })}.${part(claims)}.${signature}`
      expectError(await send(text, service, { client_id: id }), 401, 'invalid_client')
      return verify.mock.calls.map(
        ([, { algorithm }]) => (algorithm as { modulusLength?: number }).modulusLength,
      )
    }
    try {
      for (const [bytes, kid, work] of [
        [256, 'short', [2048]],
        [256, 'long', [2048]],
        [512, 'long', [4096]],
        [512, 'short', [4096]],
        [512, undefined, Array(5).fill(4096)],
        [384, undefined, Array(5).fill(3072)],
        [255, 'short', []],
        [513, 'long', []],
      ] as const)
        for (const id of [long.id, keyed.id, UNKNOWN.id])
          expect([bytes, kid, id, await workFor(id, bytes, kid)]).toEqual([bytes, kid, id, work])
    } finally {
      verify.mockRestore()
    }
  })

  test('signed with nothing, or with the public key as a secret, is refused', async () => {
    const [, claims] = (await assertion()).split('.')
    for (const alg of ['none', 'HS256']) {
      const header = Buffer.from(JSON.stringify({ alg, kid: 'ec' })).toString('base64url')
      expectError(await send(`${header}.${claims}.`), 401, 'invalid_client')
    }
    const secret = Buffer.from(ec.publicKey.export({ type: 'spki', format: 'pem' }))
    const forged = new SignJWT({
      iss: keyed.id,
      sub: keyed.id,
      aud: ISSUER,
      jti: randomUUID(),
      exp: now() + 60,
    })
      .setProtectedHeader({ alg: 'HS256', kid: 'ec' })
      .sign(secret)
    expectError(await send(forged), 401, 'invalid_client')
    for (const text of ['x', 'a.b.c', '..']) expectError(await send(text), 401, 'invalid_client')
  })

  test('that is wrong costs as many verifications for any client, whatever keys it has, and for none', async () => {
    const one = await newServiceAccount(service, admin, { publicKeys: [jwk(ec.publicKey, 'ec')] })
    const three = [ec, generateKeyPairSync('ec', { namedCurve: 'P-256' }), ec].map(({ publicKey }, index) =>
      jwk(publicKey, `key ${index}`),
    )
    const several = await newServiceAccount(service, admin, { publicKeys: three })
    const verified = jest.spyOn(crypto.subtle, 'verify')
    try {
      const costOf = async (id: string, header: object) => {
        const before = verified.mock.calls.length
        const made = { claims: { iss: id, sub: id }, header, key: other.privateKey }
        expectError(await send(assertion(made)), 401, 'invalid_client')
        return verified.mock.calls.length - before
      }
      for (const header of [{}, { kid: undefined }, { kid: 'key 1' }]) {
        const costs: number[] = []
        for (const { id } of [UNKNOWN, billing, one, several]) costs.push(await costOf(id, header))
        expect(costs[0]).toBeGreaterThan(0)
        expect([header, new Set(costs).size]).toEqual([header, 1])
      }
    } finally {
      verified.mockRestore()
    }
  })

  test('is no way in to an account with a secret, and a secret none to an account with keys', async () => {
    const claims = { iss: billing.id, sub: billing.id }
    expectError(await send(assertion({ claims })), 401, 'invalid_client')
    for (const secret of ['', UNKNOWN.secret])
      expectError(await post(service, 'token', GRANT, basic({ id: keyed.id, secret })), 401, 'invalid_client')
  })
})

describe('introspection', () => {
  let reader: TestClient
  let stranger: TestClient
  beforeAll(async () => {
    const asking = await newRole(service, 'tokens:introspect')
    reader = await newServiceAccount(service, admin, { roles: [asking] })
    stranger = await newServiceAccount(service, admin, { roles: [asking], audiences: [API] })
  })
  const ask = async (token: string, by: TestClient = reader) =>
    (await post(service, 'introspect', { token, token_type_hint: 'refresh_token' }, basic(by))).body

  test('says of a session’s token who holds it and what they may do now, until the session ends', async () => {
    const person = await signUp(service)
    const claims = claimsOf(person.accessToken)
    const reply = await post(service, 'introspect', { token: person.accessToken }, basic(reader))
    expect(reply.headers.get('cache-control')).toBe('no-store')
    expect(reply.body).toEqual({
      active: true,
      token_type: 'Bearer',
      iss: ISSUER,
      sub: person.id,
      aud: 'authograph',
      client_id: 'authograph',
      sid: claims.sid,
      exp: claims.exp,
      iat: claims.iat,
      jti: claims.jti,
      acr: '1fa',
      amr: ['pwd'],
      auth_time: claims.auth_time,
      permissions: [],
    })
    await service.app.db.userRole.create({ data: { userId: person.id, roleName: role } })
    expect(await ask(person.accessToken)).toMatchObject({
      permissions: ['audit:read', 'users:read'],
      scope: 'audit:read users:read',
    })
    await service.send('mutation { logout }', {}, as(person))
    expect(await ask(person.accessToken)).toEqual({ active: false })
  })

  test('says that a session which is too weak for a role of its account may do nothing', async () => {
    const strict = await newRole(service, 'users:read')
    const person = await signUp(service)
    await service.app.db.userRole.create({ data: { userId: person.id, roleName: strict } })
    expect(await ask(person.accessToken)).toMatchObject({ active: true, permissions: ['users:read'] })
    const data = { secondFactorRequiredFrom: service.clock.now() }
    await service.app.db.role.update({ where: { name: strict }, data })
    const weak = await ask(person.accessToken)
    expect(weak).toMatchObject({ active: true, acr: '1fa', permissions: [] })
    expect(weak).not.toHaveProperty('scope')
    await service.app.db.session.update({
      where: { id: person.sessionId },
      data: { totpAt: service.clock.now() },
    })
    expect(await ask(person.accessToken)).toMatchObject({ active: true, permissions: ['users:read'] })
  })

  test('says of anything else that it is not active, and nothing more', async () => {
    const person = await signUp(service)
    const expired = forge(service, person.accessToken, { claims: { exp: now() - 61 } })
    const foreign = forge(service, person.accessToken, { claims: { iss: 'https://evil.example' } })
    for (const token of ['x', 'a.b.c', expired, foreign, person.refreshToken, `${person.accessToken}x`])
      expect(await ask(token)).toEqual({ active: false })
  })

  test('is for the audiences of the service account: tokens for others are not active to it', async () => {
    const person = await signUp(service)
    expect(await ask(person.accessToken, stranger)).toEqual({ active: false })
    const token = await tokenOf(service, billing, { resource: API })
    expect(await ask(token, stranger)).toMatchObject({ active: true, sub: billing.id, aud: API })
    expect(await ask(token)).toEqual({ active: false })
  })

  test('requires tokens:introspect, except for tokens that the caller received', async () => {
    const person = await signUp(service)
    for (const token of [person.accessToken, 'x'])
      expectError(await post(service, 'introspect', { token }, basic(billing)), 400, 'unauthorized_client')
    expect(await ask(await tokenOf(service, billing), billing)).toMatchObject({
      active: true,
      sub: billing.id,
    })
  })

  test('says of an API key what it may do now, until it is deleted', async () => {
    const owner = await signUpVerified(service)
    await service.app.db.userRole.create({ data: { userId: owner.id, roleName: role } })
    const expiresAt = new Date(service.clock.now().getTime() + 3_600_000).toISOString()
    const { data } = await service.send<{ createApiKey: { secret: string; apiKey: { id: string } } }, object>(
      'mutation ($input: ApiKeyInput!) { createApiKey(input: $input) { secret apiKey { id } } }',
      { input: { name: 'report', permissions: ['users:read'], expiresAt } },
      as(owner),
    )
    const { secret = '', apiKey } = data?.createApiKey ?? {}
    expect(await ask(secret)).toMatchObject({
      active: true,
      sub: owner.id,
      aud: 'authograph',
      jti: apiKey?.id,
      exp: Math.floor(Date.parse(expiresAt) / 1000),
      permissions: ['users:read'],
    })
    expect(await ask(secret, stranger)).toEqual({ active: false })
    expectError(
      await post(service, 'revoke', { token: secret }, basic(reader)),
      400,
      'unsupported_token_type',
    )
    await service.send('mutation ($id: ID!) { deleteApiKey(id: $id) }', { id: apiKey?.id }, as(owner))
    expect(await ask(secret)).toEqual({ active: false })
  })

  test('of a stolen token tells its owner nothing about the service that asks', async () => {
    const person = await signUp(service)
    const before = await service.app.db.session.findUniqueOrThrow({ where: { id: person.sessionId } })
    await ask(person.accessToken)
    const after = await service.app.db.session.findUniqueOrThrow({ where: { id: person.sessionId } })
    expect([after.ipAddress, after.userAgent]).toEqual([before.ipAddress, before.userAgent])
  })
})

describe('revocation', () => {
  test('ends a token immediately, also on a second request, and no other token', async () => {
    const [token, kept] = [await tokenOf(service, billing), await tokenOf(service, billing)]
    for (let count = 0; count < 2; count++) {
      const reply = await post(service, 'revoke', { token }, basic(billing))
      expect([reply.status, reply.body]).toEqual([200, {}])
    }
    const read = (of: string) => service.send('{ users(first: 1) { totalCount } }', {}, { token: of })
    expect((await read(token)).errors[0]?.extensions).toMatchObject({
      code: 'UNAUTHENTICATED',
      reason: 'REVOKED',
    })
    expect((await read(kept)).errors).toEqual([])
    const events = await eventsOf('service.token_revoked', billing.id)
    expect(events.filter(({ actorId }) => actorId === billing.id).length).toBeGreaterThan(0)
  })

  test('of a token that is not valid succeeds, and changes nothing', async () => {
    const token = await tokenOf(service, billing)
    const before = await service.app.db.revokedToken.count()
    for (const text of ['x', `${token}x`, forge(service, token, { claims: { exp: now() - 100 } })])
      expect((await post(service, 'revoke', { token: text }, basic(billing))).status).toBe(200)
    expect(await service.app.db.revokedToken.count()).toBe(before)
  })

  test('of a token that another client or a person received is refused, and the token lives', async () => {
    const other = await newServiceAccount(service, admin, { roles: [role] })
    const token = await tokenOf(service, billing)
    const person = await signUp(service)
    for (const text of [token, person.accessToken])
      expectError(await post(service, 'revoke', { token: text }, basic(other)), 400, 'unauthorized_client')
    expect((await service.send('{ users(first: 1) { totalCount } }', {}, { token })).errors).toEqual([])
    expect((await service.send('{ me { id } }', {}, as(person))).errors).toEqual([])
  })

  test('is forgotten when the token would have expired anyway', async () => {
    const token = await tokenOf(service, billing)
    await post(service, 'revoke', { token }, basic(billing))
    service.clock.advance(700)
    const { prune } = await import('../../src/maintenance/prune.ts')
    await prune(service.app)
    expect(await service.app.db.revokedToken.count({ where: { jti: String(claimsOf(token).jti) } })).toBe(0)
  })
})

describe('a verifier in another server', () => {
  let reader: TestClient
  beforeAll(async () => {
    const roles = [await newRole(service, 'tokens:introspect')]
    // The clock has moved past the other administrator's token.
    reader = await newServiceAccount(service, await signUpAdmin(service), { roles })
  })
  type Liveness = Partial<VerifierOptions['liveness']>
  const verifier = (liveness?: Liveness, options: Partial<VerifierOptions> = {}) =>
    createVerifier({
      issuer: ISSUER,
      audience: 'authograph',
      now: () => service.clock.now().getTime(),
      ...(liveness && { liveness: { clientId: reader.id, clientSecret: reader.secret, ...liveness } }),
      ...options,
    })
  /** Counts what is sent to the introspection endpoint, which can be out of reach. */
  const counting = () => {
    const state = { asked: 0, status: 0, down: false }
    const send: NonNullable<VerifierOptions['fetch']> = async (url, init) => {
      if (!url.endsWith('/introspect')) return fetch(url, init)
      state.asked += 1
      if (state.down) throw new TypeError('fetch failed')
      if (state.status) return new Response('{}', { status: state.status })
      return fetch(url, init)
    }
    return { state, fetch: send }
  }
  const refusal = async (verified: Promise<unknown>) => {
    const error = await verified.then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    return error instanceof AuthError ? error.extensions : error
  }
  const REVOKED = { code: 'UNAUTHENTICATED', reason: 'REVOKED' }

  test('accepts service accounts only with the option, and tells them from people', async () => {
    const token = await tokenOf(service, billing)
    expect(await refusal(verifier().verify(token))).toEqual({ code: 'UNAUTHENTICATED', reason: 'INVALID' })
    const open = verifier(undefined, { serviceAccounts: true })
    expect(await open.verify(token)).toMatchObject({
      userId: billing.id,
      serviceAccountId: billing.id,
      sessionId: undefined,
      permissions: ['audit:read', 'users:read'],
    })
    const person = await signUp(service)
    expect(await open.verify(person.accessToken)).toMatchObject({
      sessionId: person.sessionId,
      serviceAccountId: undefined,
    })
    for (const claims of [{ client_id: admin.id }, { sub: admin.id }, { sid: 7 }])
      expect(await refusal(open.verify(forge(service, token, { claims })))).toMatchObject({
        reason: 'INVALID',
      })
  })

  test('with liveness refuses the token of a session that ended within 10 seconds, and asks once in that time', async () => {
    const { state, fetch: send } = counting()
    const live = verifier({}, { fetch: send })
    const person = await signUp(service)
    await Promise.all(Array.from({ length: 10 }, () => live.verify(person.accessToken)))
    expect(state.asked).toBe(1)
    await service.send('mutation { logout }', {}, as(person))
    service.clock.advance(2)
    expect(await live.verify(person.accessToken)).toMatchObject({ userId: person.id })
    service.clock.advance(9)
    expect(await refusal(live.verify(person.accessToken))).toEqual(REVOKED)
    expect(await refusal(live.verify(person.accessToken))).toEqual(REVOKED)
    expect(state.asked).toBe(2)
  })

  test('with liveness goes by the permissions of the moment, also behind the cache of verified tokens', async () => {
    const live = verifier({ cacheSeconds: 5 }, { cachedTokens: 10 })
    const person = await signUp(service)
    expect((await live.verify(person.accessToken)).permissions).toEqual([])
    await service.app.db.userRole.create({ data: { userId: person.id, roleName: role } })
    service.clock.advance(5)
    expect((await live.verify(person.accessToken)).permissions).toEqual(['audit:read', 'users:read'])
  })

  test('with liveness refuses everything during an outage, or goes by the signature alone', async () => {
    const { state, fetch: send } = counting()
    const person = await signUp(service)
    const [strict, lenient] = [
      verifier({}, { fetch: send }),
      verifier({ onOutage: 'accept' }, { fetch: send }),
    ]
    await strict.verify(person.accessToken)
    state.down = true
    expect(await strict.verify(person.accessToken)).toMatchObject({ userId: person.id })
    service.clock.advance(11)
    const outage = { code: 'SERVICE_UNAVAILABLE', retryAfter: 1 }
    expect(await refusal(strict.verify(person.accessToken))).toEqual(outage)
    const asked = state.asked
    expect(await refusal(strict.verify(person.accessToken))).toEqual(outage)
    expect(state.asked).toBe(asked)
    expect(await lenient.verify(person.accessToken)).toMatchObject({ userId: person.id })
    expect(await refusal(lenient.verify('x'))).toMatchObject({ reason: 'INVALID' })
    state.down = false
    service.clock.advance(2)
    expect(await strict.verify(person.accessToken)).toMatchObject({ userId: person.id })
  })

  test('with wrong credentials accepts nothing, whatever it does during an outage', async () => {
    const person = await signUp(service)
    for (const wrong of [{ clientSecret: 'x' }, { clientId: billing.id, clientSecret: billing.secret }]) {
      const live = verifier({ ...wrong, onOutage: 'accept' })
      expect(await refusal(live.verify(person.accessToken))).toMatchObject({ code: 'SERVICE_UNAVAILABLE' })
    }
  })
})
