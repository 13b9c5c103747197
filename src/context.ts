import type { App } from './app.ts'
import { unauthenticated } from './errors.ts'
import type { Session, User } from './generated/prisma/client.ts'

/** What is known of a request before anybody is signed in. */
export type RequestInfo = {
  /** Sent back as `X-Request-Id`; the log carries it too. */
  requestId: string
  ipAddress: string | undefined
  userAgent: string | undefined
  /** The value of `Authorization: Bearer …`. */
  bearerToken: string | undefined
  /** The refresh token from the cookie; undefined where a request must not use it. */
  refreshCookie: string | undefined
  /** The device token from the cookie; undefined under the same conditions. */
  deviceCookie: string | undefined
}

/** A user with the names of its roles and the permissions that the roles grant, both sorted. */
export type Account = User & { readonly roles: readonly string[]; readonly permissions: readonly string[] }

/** Who makes the request. */
export type Viewer = {
  account: Account
  /** What authenticated the request. Check `kind` before you read the rest: a session is the only kind so far. */
  via: { readonly kind: 'session'; readonly session: Session }
}

/** What a response does besides its body. */
export type ResponseEffects = {
  /** Puts the refresh token into the cookie until `expiresAt`, or until the browser closes. */
  setRefreshCookie(token: string, expiresAt: Date | undefined): void
  clearRefreshCookie(): void
  /** Puts the device token into its cookie, for as long as browsers keep one. */
  setDeviceCookie(token: string): void
}

export type Authenticate = (app: App, bearerToken: string, request: RequestInfo) => Promise<Viewer>

/** What every resolver is given. */
export type Context = {
  readonly app: App
  readonly request: RequestInfo
  readonly response: ResponseEffects
  /**
   * The viewer, loaded once a request and only when asked for, so that a stale header fails nothing
   * but what is guarded.
   * @throws AuthError UNAUTHENTICATED
   */
  readonly viewer: () => Promise<Viewer>
  /**
   * Lets the rest of the response show `object` to its owner, who has just proved to be: by a password
   * or a token of the session `sessionId`, or by a link from a mail, not by the bearer token of the request.
   */
  readonly reveal: (object: object, sessionId?: string) => void
  readonly isRevealed: (object: object) => boolean
  /** The session in which the owner of `object` proved to be, if that happened in this request. */
  readonly revealedBy: (object: object) => string | undefined
}

/** The context of one request. Closures, because Apollo Server copies the object for each operation. */
export function createContext(
  app: App,
  request: RequestInfo,
  response: ResponseEffects,
  authenticate: Authenticate,
): Context {
  const revealed = new WeakMap<object, string | undefined>()
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
    reveal: (object, sessionId) => void revealed.set(object, sessionId),
    isRevealed: object => revealed.has(object),
    revealedBy: object => revealed.get(object),
  }
}
