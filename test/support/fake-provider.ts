import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTHeaderParameters, SignJWT } from 'jose'
import { Agent } from 'undici'

export type FakeClaims = Record<string, unknown>
export type FakeRequest = {
  method: string
  path: string
  form: URLSearchParams
  headers: IncomingMessage['headers']
}

/** How the provider deviates from a correct one. Each function gets what is correct, and returns what is said. */
export type Bend = {
  metadata?: (correct: FakeClaims) => FakeClaims
  keySet?: (correct: { keys: JWK[] }) => FakeClaims
  /** The claims of ID tokens. A claim that is undefined is left out. */
  claims?: (correct: FakeClaims) => FakeClaims
  /** Signs ID tokens in another way. */
  sign?: (claims: FakeClaims) => string | Promise<string>
  tokens?: (correct: FakeClaims) => FakeClaims
  userInfo?: (correct: FakeClaims) => FakeClaims
  /** The parameters of the callback. */
  callback?: (correct: URLSearchParams) => void
  /** Answers a request instead of the provider, if it returns true. */
  answer?: (request: FakeRequest, response: ServerResponse) => boolean
}

export type FakeOptions = {
  /** What it claims to be, if not its own address: then use `standIn`. */
  issuer?: string
  /** The algorithm of its ID tokens. Default: RS256. */
  alg?: 'RS256' | 'ES256'
  /** The time of its tokens, such as a TestClock. */
  clock?: { now(): Date }
}

type Grant = {
  clientId: string
  redirectUri: string
  challenge: string | null
  nonce: string | null
  person: FakeClaims
  /** A code that the provider gave to an app, without a redirect. */
  native?: boolean
}

/** The person who signs in, unless a test says otherwise. */
export const ADA = { sub: 'ada-at-the-provider', email: 'ada@example.com', email_verified: true, name: 'Ada' }

const TOKEN_LIFETIME_SECONDS = 3600

/** A provider on localhost that follows the specifications until a test bends it. */
export class FakeProvider {
  readonly clientId = 'authograph'
  readonly clientSecret = 'a client secret that only the tests know'
  readonly issuer: string
  readonly origin: string
  /** Every request that reached it, oldest first. */
  readonly requests: FakeRequest[] = []
  bend: Bend = {}
  /** The clients that it knows. */
  readonly clientIds = new Set(['authograph'])
  /** The tokens that it was asked to revoke, oldest first. */
  readonly revoked: string[] = []
  /** Answers of its API, by path. The person is the one whose access token is used. */
  api: Record<string, (person: FakeClaims) => unknown> = {}
  /** The refresh tokens that are valid. Each is valid once. */
  readonly refreshTokens = new Set<string>()
  readonly #server: Server
  readonly #keys: { private: CryptoKey; public: JWK; alg: string }
  readonly #codes = new Map<string, Grant>()
  readonly #people = new Map<string, FakeClaims>()
  readonly #clock: { now(): Date }

  constructor(server: Server, keys: FakeProvider['key'], options: FakeOptions) {
    this.#server = server
    this.#keys = keys
    this.#clock = options.clock ?? { now: () => new Date() }
    this.origin = `http://localhost:${(server.address() as AddressInfo).port}`
    this.issuer = options.issuer ?? this.origin
    server.on('request', (request, response) => void this.#serve(request, response))
  }

  /** The key that it signs with. */
  get key(): { private: CryptoKey; public: JWK; alg: string } {
    return this.#keys
  }

  /** The settings of a service that offers it as `id`. */
  settings(id = 'corp'): Record<string, string> {
    const prefix = `PROVIDER_${id.toUpperCase().replaceAll('-', '_')}_`
    return {
      PROVIDERS: id,
      [`${prefix}ISSUER`]: this.issuer,
      [`${prefix}CLIENT_ID`]: this.clientId,
      [`${prefix}CLIENT_SECRET`]: this.clientSecret,
    }
  }

  /** How often its token endpoint was called. */
  get exchanges(): number {
    return this.requests.filter(({ method, form }) => method === 'POST' && form.get('grant_type')).length
  }

  /** Does what the person's browser does: opens the authorization URL, signs in, and returns where it is sent back. */
  authorize(address: string | URL, person: FakeClaims = ADA): URL {
    const asked = new URL(address).searchParams
    const code = this.issueCode({
      clientId: asked.get('client_id') ?? '',
      redirectUri: asked.get('redirect_uri') ?? '',
      challenge: asked.get('code_challenge'),
      nonce: asked.get('nonce'),
      person,
    })
    const back = new URL(asked.get('redirect_uri') ?? '')
    back.searchParams.set('code', code)
    const state = asked.get('state')
    if (state !== null) back.searchParams.set('state', state)
    back.searchParams.set('iss', this.issuer)
    this.bend.callback?.(back.searchParams)
    return back
  }

  issueCode(grant: Grant): string {
    const code = randomUUID()
    this.#codes.set(code, grant)
    return code
  }

  /** The claims of a correct ID token for this server. */
  claims(person: FakeClaims = ADA, more: FakeClaims = {}): FakeClaims {
    const now = Math.floor(this.#clock.now().getTime() / 1000)
    return {
      iss: this.issuer,
      aud: this.clientId,
      iat: now,
      exp: now + TOKEN_LIFETIME_SECONDS,
      ...person,
      ...more,
    }
  }

  /** Signs any claims with the provider's key. */
  async sign(claims: FakeClaims, header: Partial<JWTHeaderParameters> = {}): Promise<string> {
    return new SignJWT(claims)
      .setProtectedHeader({ alg: this.#keys.alg, kid: this.#keys.public.kid ?? '', ...header })
      .sign(this.#keys.private)
  }

  /** An ID token as an app gets it from the provider's SDK. */
  async idToken(person: FakeClaims = ADA, more: FakeClaims = {}): Promise<string> {
    return this.sign(this.claims(person, more))
  }

  /** Announces that a person signed out there (OpenID Connect Back-Channel Logout, section 2.4). */
  async logoutToken(more: FakeClaims = {}, header: Partial<JWTHeaderParameters> = {}): Promise<string> {
    const now = Math.floor(this.#clock.now().getTime() / 1000)
    const events = { 'http://schemas.openid.net/event/backchannel-logout': {} }
    const claims = {
      iss: this.issuer,
      aud: this.clientId,
      iat: now,
      exp: now + 120,
      jti: randomUUID(),
      events,
    }
    return this.sign({ ...claims, sub: ADA.sub, ...more }, { typ: 'logout+jwt', ...header })
  }

  /** Makes the requests of this process to these https origins reach this provider. Returns how to undo it. */
  standIn(...origins: string[]): () => void {
    const original = Agent.prototype.dispatch
    const { origin } = this
    Agent.prototype.dispatch = function (options, handler) {
      const isMeant = origins.includes(String(options.origin))
      return original.call(this, isMeant ? { ...options, origin } : options, handler)
    }
    return () => {
      Agent.prototype.dispatch = original
    }
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  metadata(): FakeClaims {
    const { issuer } = this
    return {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      userinfo_endpoint: `${issuer}/userinfo`,
      jwks_uri: `${issuer}/jwks`,
      revocation_endpoint: `${issuer}/revoke`,
      end_session_endpoint: `${issuer}/logout`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: [this.#keys.alg],
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
    }
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(incoming.url ?? '/', this.origin)
    let body = ''
    for await (const chunk of incoming) body += String(chunk)
    const request: FakeRequest = {
      method: incoming.method ?? 'GET',
      path: incoming.url ?? '/',
      form: new URLSearchParams(body),
      headers: incoming.headers,
    }
    this.requests.push(request)
    if (this.bend.answer?.(request, response)) return
    const [status, json] = await this.#answer(pathname, request)
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json))
  }

  async #answer(pathname: string, request: FakeRequest): Promise<[status: number, json: unknown]> {
    if (pathname.endsWith('/.well-known/openid-configuration')) {
      return [200, (this.bend.metadata ?? same)(this.metadata())]
    }
    if (/jwks|certs/.test(pathname)) return [200, (this.bend.keySet ?? same)({ keys: [this.#keys.public] })]
    if (request.form.get('grant_type') === 'authorization_code') return this.#exchange(request)
    if (request.form.get('grant_type') === 'refresh_token') return this.#refresh(request)
    if (pathname === '/revoke') {
      if (!this.#isClient(request.form, request.headers.authorization))
        return [401, { error: 'invalid_client' }]
      this.revoked.push(request.form.get('token') ?? '')
      return [200, {}]
    }
    const person = this.#people.get(/^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '')
    if (this.api[pathname] && person) return [200, this.api[pathname](person)]
    if (pathname === '/userinfo' && person) return [200, (this.bend.userInfo ?? same)(person)]
    return [404, { error: 'not_found' }]
  }

  async #exchange({ form, headers }: FakeRequest): Promise<[status: number, json: unknown]> {
    if (!this.#isClient(form, headers.authorization)) return [401, { error: 'invalid_client' }]
    const code = form.get('code') ?? ''
    const grant = this.#codes.get(code)
    this.#codes.delete(code)
    const verifier = form.get('code_verifier') ?? ''
    const challenge = createHash('sha256').update(verifier).digest('base64url')
    const matches = grant?.native
      ? form.get('client_id') === grant.clientId
      : form.get('redirect_uri') === grant?.redirectUri && grant.challenge === challenge
    if (!grant || !matches) return [400, { error: 'invalid_grant' }]
    const access_token = randomUUID()
    this.#people.set(access_token, grant.person)
    const nonce = grant.nonce ?? undefined
    const claims = (this.bend.claims ?? same)(this.claims(grant.person, { nonce, aud: grant.clientId }))
    const id_token = await (this.bend.sign ?? (signed => this.sign(signed)))(claims)
    const correct = { access_token, token_type: 'Bearer', expires_in: TOKEN_LIFETIME_SECONDS, id_token }
    return [200, (this.bend.tokens ?? same)(correct)]
  }

  #refresh({ form, headers }: FakeRequest): [status: number, json: unknown] {
    const known = this.refreshTokens.delete(form.get('refresh_token') ?? '')
    if (!known || !this.#isClient(form, headers.authorization)) return [400, { error: 'invalid_grant' }]
    const refresh_token = randomUUID()
    this.refreshTokens.add(refresh_token)
    const correct = { access_token: randomUUID(), token_type: 'Bearer', expires_in: TOKEN_LIFETIME_SECONDS }
    return [200, (this.bend.tokens ?? same)({ ...correct, refresh_token })]
  }

  /** The client by its secret, or by a client secret that it signed (Apple): that test checks it itself. */
  #isClient(form: URLSearchParams, authorization = ''): boolean {
    const [id, secret] = authorization.startsWith('Basic ')
      ? Buffer.from(authorization.slice(6), 'base64').toString().split(':').map(formDecode)
      : [form.get('client_id'), form.get('client_secret')]
    return this.clientIds.has(id ?? '') && (secret === this.clientSecret || secret?.split('.').length === 3)
  }
}

function same<Value>(value: Value): Value {
  return value
}

function formDecode(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '))
}

async function newKeys(alg: string): Promise<FakeProvider['key']> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  const publicJwk = { ...(await exportJWK(publicKey)), kid: `fake-${alg}`, alg, use: 'sig' }
  return { private: privateKey, public: publicJwk, alg }
}

const shared = new Map<string, Promise<FakeProvider['key']>>()

/** New keys take long. Providers that stand in for another are never compared, so theirs may be the same. */
function sharedKeys(alg: string): Promise<FakeProvider['key']> {
  const keys = shared.get(alg) ?? newKeys(alg)
  shared.set(alg, keys)
  return keys
}

/** Starts a provider on a free port. */
export async function startFakeProvider(options: FakeOptions = {}): Promise<FakeProvider> {
  const alg = options.alg ?? 'RS256'
  const keys = options.issuer ? await sharedKeys(alg) : await newKeys(alg)
  const server = createServer().listen(0, 'localhost')
  await once(server, 'listening')
  return new FakeProvider(server, keys, options)
}
