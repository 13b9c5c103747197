import { EventEmitter, on } from 'node:events'
import { beforeAll, describe, expect, test } from '@jest/globals'
import * as jose from 'jose'
import * as oauth from 'oauth4webapi'
import { accessTokenHash, keyOf, readProof } from '../../src/dpop/proof.ts'
import { Authorized, type Context, Ctx, Resolver, Root, Subscription } from '../../src/index.ts'
import { as, newRole, PASSWORD, type SignedIn, signIn, signUpAdmin, signUpWith } from '../support/actors.ts'
import {
  type Bound,
  BoundLogin,
  freshProof,
  type Key,
  newKey,
  nonceOf,
  refreshBound,
  refusal,
  signInBound,
} from '../support/bound-client.ts'
import { StillClock } from '../support/clock.ts'
import { claimsOf, type Json } from '../support/forge.ts'
import { Logout, Me, Refresh } from '../support/operations.ts'
import { useService } from '../support/service.ts'
import { basic, post } from '../support/service-accounts.ts'
import { HOUR, MINUTE, pairOf, stateOf } from '../support/sessions.ts'

const described = { description: 'For a test.' }
const ticker = new EventEmitter()
/** An event for each that the test emits from now on. */
function subscribe() {
  const events = on(ticker, 'tick')
  return (async function* () {
    for await (const [text] of events) yield text
  })()
}

@Resolver()
class TicksResolver {
  @Authorized()
  @Subscription(() => String, { ...described, subscribe })
  async ticked(@Root() text: string, @Ctx() context: Context): Promise<string> {
    return `${text} ${(await context.viewer()).account.id}`
  }
}

const service = useService({
  clock: new StillClock(),
  settings: {
    DPOP: 'full',
    REQUIRE_BOUND_SESSIONS: 'on',
    TOKEN_CLAIMS: 'permissions,roles',
    LIMIT_REFRESH_NETWORK: '9999999/1h',
  },
  server: { resolvers: [TicksResolver], pubSub: { publish() {}, subscribe: async function* () {} } },
})

let ada: SignedIn
let bound: Bound
beforeAll(async () => {
  ada = await signUpAdmin(service)
  bound = await signInBound(service, ada.email)
})

type Change = { key?: Key; claims?: Json; token?: string; scheme?: string; proof?: string | undefined }

/** What a request with the access token and a proof has of both, but for the change. */
async function headersWith({
  key = bound.key,
  claims,
  token = bound.accessToken,
  scheme = 'DPoP',
  ...change
}: Change = {}) {
  const ath = accessTokenHash(bound.accessToken)
  const dpop = 'proof' in change ? change.proof : freshProof(service, key, { ath, ...claims })
  return { authorization: `${scheme} ${token}`, ...(dpop !== undefined && { dpop }) }
}
const stateWith = async (change?: Change) =>
  stateOf(service, undefined, { headers: await headersWith(change) })

describe('an access token of a bound session', () => {
  test('names its key, and is live with a proof', async () => {
    expect(bound.tokenType).toBe('DPoP')
    expect(claimsOf(bound.accessToken).cnf).toEqual({ jkt: bound.key.thumbprint })
    expect(await stateWith()).toBe('LIVE')
    expect(await stateWith({ scheme: 'dpop' })).toBe('LIVE')
  })

  test.each<[string, () => Change | Promise<Change>]>([
    ['as a bearer token', () => ({ scheme: 'Bearer' })],
    ['as a bearer token without a proof', () => ({ scheme: 'Bearer', proof: undefined })],
    ['without a proof', () => ({ proof: undefined })],
    ['with text in place of the proof', () => ({ proof: 'x' })],
    ['with the proof of another key', () => ({ key: newKey() })],
    ['with a proof without ath', () => ({ claims: { ath: undefined } })],
    ['with a proof for another token', () => ({ claims: { ath: accessTokenHash('x') } })],
    ['with a proof for another method', () => ({ claims: { htm: 'GET' } })],
    ['with a proof for another address', () => ({ claims: { htu: 'https://evil.example/graphql' } })],
    [
      'with a proof for the address of streams',
      () => ({ claims: { htu: `${service.app.config.publicUrl}/graphql/stream` } }),
    ],
  ])('is refused %s', async (_case, change) => {
    expect(await stateWith(await change())).toBe('DPOP_INVALID')
  })

  test('is refused until its proof has a nonce of the server', async () => {
    const headers = await headersWith({ claims: { nonce: undefined } })
    const reply = await service.send(Me, {}, { headers })
    expect(refusal(reply)).toBe('UNAUTHENTICATED DPOP_NONCE')
    expect(await stateWith({ claims: { nonce: reply.headers.get('dpop-nonce') } })).toBe('LIVE')
  })

  test('does not become a bearer token without its cnf', async () => {
    const { cnf, ...claims } = claimsOf(bound.accessToken)
    expect(cnf).toBeDefined()
    const foreign = bound.accessToken.replace(
      /[^.]+(?=\.[^.]+$)/,
      Buffer.from(JSON.stringify(claims)).toString('base64url'),
    )
    expect(await stateOf(service, foreign)).toBe('INVALID')
  })

  test('opens no queries by GET with a proof for POST', async () => {
    const url = `${service.url}/graphql?query=${encodeURIComponent('{ me { id } }')}`
    const ask = async (htm: string) => {
      const headers = { ...(await headersWith({ claims: { htm } })), 'apollo-require-preflight': '1' }
      return (await fetch(url, { headers })).json() as Promise<{ data: { me: { id: string } | null } }>
    }
    expect((await ask('POST')).data.me).toBeNull()
    expect((await ask('GET')).data.me?.id).toBe(ada.id)
  })

  test('is followed by one with the same key', async () => {
    const reply = await refreshBound(service, bound.refreshToken, bound.key)
    Object.assign(bound, pairOf(reply))
    expect(claimsOf(bound.accessToken).cnf).toEqual({ jkt: bound.key.thumbprint })
    expect(await stateWith()).toBe('LIVE')
  })

  test('a proof for an access token refreshes nothing', async () => {
    const proof = freshProof(service, bound.key, { ath: accessTokenHash(bound.accessToken) })
    expect(refusal(await refreshBound(service, bound.refreshToken, proof))).toBe(
      'REFRESH_TOKEN_INVALID DPOP_INVALID',
    )
  })

  test('a bearer token of a session without a key stays one, and is none with the scheme DPoP', async () => {
    expect(claimsOf(ada.accessToken).cnf).toBeUndefined()
    expect(await stateOf(service, ada.accessToken)).toBe('LIVE')
    expect(await stateWith({ token: ada.accessToken })).toBe('INVALID')
  })

  test('signs out without a proof, so that anyone who holds it can always end it', async () => {
    const session = await signInBound(service, ada.email)
    const { data } = await service.send(Logout, {}, { token: session.accessToken })
    expect(data?.logout).toBe(true)
    expect(refusal(await refreshBound(service, session.refreshToken, session.key))).toBe(
      'REFRESH_TOKEN_INVALID',
    )
  })
})

describe('other services', () => {
  test('learn the key from introspection, without a proof', async () => {
    const role = await newRole(service, 'tokens:introspect')
    const { data } = await service.send(
      'mutation ($input: ServiceAccountInput!) { createServiceAccount(input: $input) { serviceAccount { id } secret } }',
      { input: { name: 'shop', roles: [role] } },
      { headers: await headersWith() },
    )
    const { serviceAccount, secret } = (
      data as { createServiceAccount: { serviceAccount: { id: string }; secret: string } }
    ).createServiceAccount
    const { body } = await post(
      service,
      'introspect',
      { token: bound.accessToken },
      basic({ id: serviceAccount.id, secret }),
    )
    expect(body).toMatchObject({
      active: true,
      token_type: 'DPoP',
      cnf: { jkt: bound.key.thumbprint },
      sub: ada.id,
    })
    const unbound = await post(
      service,
      'introspect',
      { token: ada.accessToken },
      basic({ id: serviceAccount.id, secret }),
    )
    expect(unbound.body).toMatchObject({ active: true, token_type: 'Bearer', permissions: [] })
    expect(unbound.body.cnf).toBeUndefined()
  })

  test('find the algorithms of proofs in the metadata', async () => {
    for (const name of ['oauth-authorization-server', 'openid-configuration']) {
      const metadata = (await (await fetch(`${service.url}/.well-known/${name}`)).json()) as Json
      expect(metadata.dpop_signing_alg_values_supported).toEqual(['ES256'])
    }
  })
})

describe('a stream', () => {
  async function open(headers: Record<string, string>) {
    const response = await fetch(`${service.url}/graphql/stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...headers },
      body: JSON.stringify({ query: 'subscription { ticked }' }),
    })
    if (!response.body) throw new Error('no stream')
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
    let read = ''
    const until = async (text: string) => {
      while (!read.includes(text)) {
        const { value, done } = await reader.read()
        if (done) throw new Error(`ended: ${read}`)
        read += value
      }
      return read
    }
    return { until, close: () => reader.cancel() }
  }
  const htu = () => `${service.app.config.publicUrl}/graphql/stream`

  test('of a bound session opens with a proof, and outlives the nonce of the proof', async () => {
    const stream = await open(await headersWith({ claims: { htu: htu() } }))
    await stream.until(':')
    for (const text of ['first', 'second']) {
      service.clock.advance(2 * MINUTE)
      ticker.emit('tick', text)
      expect(await stream.until(`${text} ${ada.id}`)).not.toContain('errors')
    }
    await stream.close()
    service.clock.advance(-4 * MINUTE)
  })

  test('does not open without the proof', async () => {
    for (const change of [{ proof: undefined }, { scheme: 'Bearer' }, {}]) {
      const stream = await open(await headersWith(change))
      expect(await stream.until('errors')).toContain('DPOP_INVALID')
      await stream.close()
    }
  })
})

describe('with REQUIRE_BOUND_SESSIONS=on, a session without a key', () => {
  const refused = 'FORBIDDEN SESSION_NOT_BOUND'

  test('of an administrator can read who they are, and sign out', async () => {
    const admin = await signIn(service, ada.email)
    const { data, errors } = await service.send('{ me { id email roles sessions { id } } }', {}, as(admin))
    expect(errors).toEqual([])
    expect(data).toMatchObject({ me: { id: ada.id, email: ada.email } })
    expect((await service.send(Logout, {}, as(admin))).data?.logout).toBe(true)
    expect(await stateOf(service, admin.accessToken)).toBe('REVOKED')
  })

  test.each([
    '{ users { nodes { id } } }',
    'mutation { revokeOtherSessions }',
    'mutation { updateProfile(input: { displayName: "Ada" }) { id } }',
    'mutation { deleteAccount }',
  ])('of an administrator is refused %s', async document => {
    expect(refusal(await service.send(document, {}, as(ada)))).toBe(refused)
    const { data } = await service.send('{ me { id } }', {}, as(ada))
    expect(data).toEqual({ me: { id: ada.id } })
  })

  test('of an administrator says nothing of roles and permissions to other services', async () => {
    const admin = await signIn(service, ada.email)
    expect(claimsOf(admin.accessToken)).toMatchObject({ roles: [], permissions: [] })
    expect(claimsOf(bound.accessToken).permissions).toContain('users:read')
  })

  test('of a user without permissions can do what it could, and a bound one of an administrator everything', async () => {
    const user = await signUpWith(service)
    const { errors } = await service.send(
      'mutation { updateProfile(input: { displayName: "Eve" }) { id } }',
      {},
      as(user),
    )
    expect(errors).toEqual([])
    const reply = await service.send(
      '{ users(first: 1) { nodes { id } } }',
      {},
      { headers: await headersWith() },
    )
    expect(reply.errors).toEqual([])
  })
})

test('an administrator acts as a user with the key of their own session', async () => {
  const user = await signUpWith(service)
  const { data, errors } = await service.send(
    'mutation ($id: ID!) { impersonateUser(id: $id, reason: "a test") { accessToken tokenType session { boundToKey } } }',
    { id: user.id },
    { headers: await headersWith() },
  )
  expect(errors).toEqual([])
  const acting = (data as { impersonateUser: { accessToken: string } }).impersonateUser
  expect(acting).toMatchObject({ tokenType: 'DPoP', session: { boundToKey: true } })
  expect(claimsOf(acting.accessToken).cnf).toEqual({ jkt: bound.key.thumbprint })
  expect(await stateOf(service, acting.accessToken)).toBe('DPOP_INVALID')
  const token = acting.accessToken
  expect(await stateWith({ token, claims: { ath: accessTokenHash(token) } })).toBe('LIVE')
})

describe('proofs that others make', () => {
  const RFC_KEY =
    'eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19'
  test.each([
    [
      'section 4.1',
      'eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg',
      { htm: 'POST', htu: 'https://server.example.com/token', iat: 1562262616, jti: '-BwC3ESc6acc2lTc' },
    ],
    [
      'section 7.1',
      'eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA',
      { htm: 'GET', ath: accessTokenHash('Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU') },
    ],
  ])('the example of RFC 9449, %s, is read and verified', (_section, rest, claims) => {
    const proof = readProof(`${RFC_KEY}.${rest}`)
    if (!proof) throw new Error('not read')
    expect(proof.claims).toMatchObject(claims)
    // Section 6.1.
    expect(keyOf(proof)?.thumbprint).toBe('0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I')
  })

  test('by jose bind a session and refresh it', async () => {
    const { publicKey, privateKey } = await jose.generateKeyPair('ES256', { extractable: true })
    const jwk = await jose.exportJWK(publicKey)
    const prove = async () =>
      new jose.SignJWT({
        htm: 'POST',
        htu: `${service.app.config.publicUrl}/graphql`,
        nonce: await nonceOf(service),
      })
        .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk })
        .setJti(crypto.randomUUID())
        .setIssuedAt()
        .sign(privateKey)
    const input = { identifier: ada.email, password: PASSWORD }
    const { data } = await service.send(BoundLogin, { input }, { headers: { dpop: await prove() } })
    const { accessToken, refreshToken } = (data as { login: Bound }).login
    expect(claimsOf(accessToken).cnf).toEqual({ jkt: await jose.calculateJwkThumbprint(jwk) })
    expect(refusal(await refreshBound(service, refreshToken, await prove()))).toBeUndefined()
  })

  test('by oauth4webapi refresh a session and open it, each after one repeat with the nonce', async () => {
    const keys = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, [
      'sign',
      'verify',
    ])
    const client = { client_id: 'authograph', [oauth.clockSkew]: 9 * HOUR }
    const dpop = oauth.DPoP(client, keys)
    const { publicUrl } = service.app.config
    const sent: string[] = []
    let refreshToken = ''
    /** Answers as a token endpoint would, out of what the service says. */
    const customFetch = async (_url: string, { headers }: { headers: Record<string, string> }) => {
      const proof = headers.dpop ?? ''
      sent.push(proof)
      const reply = refreshToken
        ? await service.send(Refresh, { input: { refreshToken } }, { headers: { dpop: proof } })
        : await service.send(
            BoundLogin,
            { input: { identifier: ada.email, password: PASSWORD } },
            { headers: { dpop: proof } },
          )
      const nonce = reply.headers.get('dpop-nonce') ?? ''
      if (reply.errors.length > 0)
        return Response.json({ error: 'use_dpop_nonce' }, { status: 400, headers: { 'dpop-nonce': nonce } })
      const { login, refreshToken: refreshed } = reply.data as { login?: Bound; refreshToken?: Bound }
      const { accessToken, refreshToken: next } = (login ?? refreshed) as Bound
      refreshToken = next
      return Response.json(
        { access_token: accessToken, token_type: 'DPoP' },
        { headers: { 'dpop-nonce': nonce } },
      )
    }
    const as = { issuer: publicUrl, token_endpoint: `${publicUrl}/graphql` }
    const options = { DPoP: dpop, [oauth.customFetch]: customFetch, [oauth.allowInsecureRequests]: true }
    const request = async () => {
      const response = await oauth.genericTokenEndpointRequest(as, client, oauth.None(), 'x', {}, options)
      return oauth.processGenericTokenEndpointResponse(as, client, response)
    }
    const first = await request().catch((error: unknown) => error)
    expect(oauth.isDPoPNonceError(first)).toBe(true)
    await request()
    const { access_token: token } = await request()
    expect(sent).toHaveLength(3)
    expect(claimsOf(token).cnf).toEqual({ jkt: await dpop.calculateThumbprint() })
    const address = new URL(`${service.url}/graphql`)
    const open = () =>
      oauth.protectedResourceRequest(
        token,
        'POST',
        new URL(`${publicUrl}/graphql`),
        new Headers({ 'content-type': 'application/json' }),
        JSON.stringify({ query: '{ me { id } }' }),
        {
          DPoP: dpop,
          [oauth.allowInsecureRequests]: true,
          [oauth.customFetch]: (_url, { method, headers, body }) =>
            fetch(address, { method, headers, body: String(body) }),
        },
      )
    const answer = (await (await open()).json()) as { data: { me: { id: string } } }
    expect(answer.data.me.id).toBe(ada.id)
  })
})
