import type { App } from './app.ts'
import { unauthenticated } from './errors.ts'
import type { ApiKey, ServiceAccount, Session, User } from './generated/prisma/client.ts'

/** What a request carries before authentication. */
export type RequestInfo = {
  /** Returned as `X-Request-Id` and written to the log. */
  requestId: string
  ipAddress: string | undefined
  userAgent: string | undefined
  /** The value of `Authorization: Bearer …` or `Authorization: DPoP …`. */
  bearerToken: string | undefined
  /** Whether the scheme is `DPoP` (RFC 9449, section 7.1). */
  isDpopScheme?: boolean
  /** The proof in the header `DPoP`, unverified; undefined if there is none. */
  presentedProof?: PresentedProof | undefined
  /** The key that it proves, once that is verified: see dpop/prove-key.ts. */
  provenKey?: ProvenKey
  /** The refresh token from the cookie; undefined if the request comes from an origin that may not use it. */
  refreshCookie: string | undefined
  /** The device token from the cookie; undefined under the same conditions. */
  deviceCookie: string | undefined
  /** The administrator who acts as the viewer, once the viewer is known. The audit log names both. */
  impersonatorId?: string | undefined
  /** The API key that the viewer uses, once the viewer is known. The audit log names it. */
  apiKeyId?: string | undefined
}

/** A proof that a client holds a key (RFC 9449, section 4), and the request that it must be for. */
export type PresentedProof = {
  proof: string
  method: string
  /** The address of the request by the settings, and never by its Host header. */
  url: (app: App) => string
}

/** A key that a request has proved to hold. */
export type ProvenKey = {
  /** RFC 7638, with SHA-256. */
  thumbprint: string
  /** Tells the proof from others. */
  proofId: Buffer
  /** The hash of the access token that the proof is for; undefined if it is for none. */
  accessTokenHash: string | undefined
}

/** A user with the names of its roles and the permissions that the roles grant, both sorted. */
export type Account = User & {
  readonly roles: readonly string[]
  readonly permissions: readonly string[]
  /** From this time on, one of the roles requires a second factor in every session; null if none does. */
  readonly secondFactorRequiredFrom: Date | null
}

/** A request with an access token, which a person's session issued. */
export type SessionVia = {
  readonly kind: 'session'
  readonly session: Session
  /** The generation and the authentication context class of the access token in the request. */
  readonly accessToken: { readonly generation: number; readonly acr: string | undefined }
}

/** A request with an API key, which a person created for a program. */
export type ApiKeyVia = {
  readonly kind: 'apiKey'
  readonly apiKey: Omit<ApiKey, 'keyHash'>
}

/** A request with a token of a service account (RFC 6749, section 4.4). */
export type ServiceAccountVia = {
  readonly kind: 'serviceAccount'
  readonly serviceAccount: Pick<ServiceAccount, 'id' | 'name' | 'audiences'>
  /** The permissions that the token is limited to; undefined if it is not. */
  readonly scope: readonly string[] | undefined
}

/** Who makes the request. */
export type Viewer = {
  /**
   * Its `permissions` are those that count in this request: an API key may have fewer than its owner. A service account has
   * an ID, a name, roles and permissions, and no address.
   */
  account: Account
  /** What authenticated the request. Check `kind` first. */
  via: SessionVia | ApiKeyVia | ServiceAccountVia
  /** The administrator who acts as the account (`impersonateUser`); undefined if its owner made the request. */
  impersonator?: Account | undefined
}

/** The cookie of one sign-in with a provider. */
export type FlowCookie = {
  /** Tells it from those of other sign-ins in the browser. */
  label: string
  secret: string
  /** Whether a page of another site posts to the callback. */
  crossSite: boolean
}

/** What a response sets besides its body. */
export type ResponseEffects = {
  /** Sets the refresh token's cookie until `expiresAt`, or until the browser closes if that is undefined. */
  setRefreshCookie(token: string, expiresAt: Date | undefined): void
  clearRefreshCookie(): void
  /** Sets the device token's cookie for as long as browsers allow. */
  setDeviceCookie(token: string): void
  /** Sets the cookie that binds a sign-in with a provider to the browser. */
  setFlowCookie(cookie: FlowCookie): void
}

export type Authenticate = (app: App, bearerToken: string, request: RequestInfo) => Promise<Viewer>

/** The context that every resolver receives. */
export type Context = {
  readonly app: App
  readonly request: RequestInfo
  readonly response: ResponseEffects
  /**
   * The viewer, loaded on first use and once per request. A request with an expired token therefore fails only in
   * guarded operations and fields.
   * @throws AuthError UNAUTHENTICATED
   */
  readonly viewer: () => Promise<Viewer>
  /**
   * Lets the rest of the response show `object` to its owner. Call it when the owner was authenticated by other means
   * than the bearer token: by a password or a refresh token, which belong to the session `sessionId`, or by an emailed link.
   */
  readonly reveal: (object: object, sessionId?: string) => void
  readonly isRevealed: (object: object) => boolean
  /** The `sessionId` that `object` was revealed with. */
  readonly revealedBy: (object: object) => string | undefined
  /** In a test context, what guards use in place of `app`, so that they need no database. */
  readonly guardApp?: App
}

/** The context of one request. It consists of closures because Apollo Server copies the object for each operation. */
export function createContext(
  app: App,
  request: RequestInfo,
  response: ResponseEffects,
  authenticate: Authenticate,
): Context {
  // Most requests reveal nothing. A weak map would cost the garbage collector more, and this one ends with the request.
  let revealed: Map<object, string | undefined> | undefined
  let viewer: Promise<Viewer> | undefined
  const load = async () => {
    if (request.bearerToken === undefined) throw unauthenticated('MISSING')
    return authenticate(app, request.bearerToken, request)
  }
  return {
    app,
    request,
    response,
    viewer: () => {
      viewer ??= load()
      return viewer
    },
    reveal: (object, sessionId) => {
      revealed ??= new Map()
      revealed.set(object, sessionId)
    },
    isRevealed: object => revealed?.has(object) ?? false,
    revealedBy: object => revealed?.get(object),
  }
}
