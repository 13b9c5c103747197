import { received, sessionOf } from './access-token.ts'
import { AuthError, isUnauthenticated, NetworkError } from './errors.ts'
import type { MeQuery, RefreshMutation } from './generated/operations.ts'
import { type Answer, dataOf, type Fetch } from './http.ts'
import { Me, Refresh } from './operations.ts'
import { pageUrl } from './pages.ts'
import { RENDERED } from './rendered.ts'
import { factsOf, localAddress, type RequestFacts, type SsrRequest } from './server-request.ts'
import type { User } from './types.ts'

export type { SsrRequest }

export type ServerAuthOptions = {
  /** The GraphQL endpoint, as this server reaches it. */
  url: string
  /** The GraphQL endpoint, as browsers reach it. Default: `url`. */
  publicUrl?: string | undefined
  /** The setting COOKIE_PREFIX of the auth server. Default: `authograph`. */
  cookiePrefix?: string | undefined
  /** How long to wait for each answer. Default: 5 s. */
  timeoutMs?: number | undefined
  /** Replaces the platform's `fetch`. */
  fetch?: Fetch | undefined
}

/** What the cookies of a request tell about its sender. */
export type ServerSession = {
  /** Null for a visitor. Undefined if the auth server did not answer: then `error` says why. */
  readonly user: User | null | undefined
  /** To pass on to other servers. Null without a user. */
  readonly accessToken: string | null
  /** The `Set-Cookie` headers that the response must carry. */
  readonly setCookies: readonly string[]
  /**
   * Whether to answer only with a redirect to the same address and `setCookies`. The browser then shows with its next
   * request that it has the new refresh token. If the access token were used before that and the response were lost, the
   * browser would present the old refresh token, and the auth server would take it for a stolen one.
   */
  readonly redirect: boolean
  readonly error?: unknown
}

export type ServerAuth = ReturnType<typeof createServerAuth>

const VISITOR: ServerSession = { user: null, accessToken: null, setCookies: [], redirect: false }
/** A token is replaced this long before it expires, so that it does not expire in transit. */
const MARGIN_SECONDS = 30
/** Browsers refuse larger cookies (RFC 6265bis, section 5.6). */
const COOKIE_MAX_LENGTH = 4000

/**
 * Reads sessions from the cookies of requests, on a server that renders pages. Browsers send it the cookies of Authograph
 * only if both servers have the same host: see “On your server” in docs/client.md.
 */
export function createServerAuth(options: ServerAuthOptions) {
  const { url, publicUrl = url, cookiePrefix = 'authograph', timeoutMs = 5000 } = options
  const refreshCookies = [`__Host-${cookiePrefix}_refresh`, `${cookiePrefix}_refresh`]
  const rendered = cookiePrefix + RENDERED
  const fetch: Fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init))

  async function post<Data>(query: string, variables: unknown, headers: Record<string, string>) {
    const facts: { status?: number } = {}
    try {
      const response = await fetch(url, {
        method: 'POST',
        // Authograph accepts its cookies only from itself and from allowed origins.
        headers: { 'content-type': 'application/json', origin: new URL(url).origin, ...headers },
        body: JSON.stringify({ query, variables }),
        signal: AbortSignal.timeout(timeoutMs),
      })
      facts.status = response.status
      return { answer: (await response.json()) as Answer<Data>, setCookies: response.headers.getSetCookie() }
    } catch (cause) {
      throw new NetworkError(`${url} gave no answer.`, { ...facts, cause })
    }
  }

  /** The session of an access token that the browser has sent; undefined if the token is no longer valid. */
  async function sessionWith(accessToken: string, { forwarded }: RequestFacts) {
    const authorization = `Bearer ${accessToken}`
    const { answer } = await post<MeQuery>(Me, {}, { ...forwarded, authorization })
    if (answer.errors?.some(isUnauthenticated)) return undefined
    const { me } = dataOf(answer)
    return me ? { ...VISITOR, user: me, accessToken } : undefined
  }

  async function exchange(cookieName: string, refreshToken: string, { forwarded, repeatable }: RequestFacts) {
    const cookie = `${cookieName}=${refreshToken}`
    const { answer, setCookies } = await post<RefreshMutation>(
      Refresh,
      { input: null },
      { ...forwarded, cookie },
    )
    try {
      const { accessToken, user } = dataOf(answer).refreshToken
      const kept = accessCookie(cookieName, accessToken)
      // A browser that does not keep the access token would be redirected forever.
      if (kept.length > COOKIE_MAX_LENGTH) return { user, accessToken, setCookies, redirect: false }
      return { user, accessToken, setCookies: [...setCookies, kept], redirect: repeatable }
    } catch (error) {
      if (error instanceof AuthError && error.code === 'REFRESH_TOKEN_INVALID')
        return { ...VISITOR, setCookies }
      throw error
    }
  }

  /**
   * The session of a request. Asks the auth server whether it is still active, and exchanges the refresh token if the
   * browser has no valid access token. Never throws: without an answer, `user` is undefined.
   */
  async function session(request: SsrRequest): Promise<ServerSession> {
    const facts = factsOf(request)
    const found = await sessionOfCookies(facts)
    if (facts.cookies.has(rendered)) return found
    return { ...found, setCookies: [...found.setCookies, `${rendered}=1${UNBOUND}`] }
  }

  async function sessionOfCookies(facts: RequestFacts): Promise<ServerSession> {
    const [name, refreshToken] = [...facts.cookies].find(([name]) => refreshCookies.includes(name)) ?? []
    if (!name || !refreshToken) return VISITOR
    try {
      const kept = facts.cookies.get(accessCookieName(name))
      const isOfSession = kept !== undefined && sessionOf(kept) === refreshToken.split('.')[0]
      const known = isOfSession ? await sessionWith(kept, facts) : undefined
      return known ?? (await exchange(name, refreshToken, facts))
    } catch (error) {
      return { ...VISITOR, user: undefined, error }
    }
  }

  return {
    session,

    /**
     * Answers a Fetch request with `run`, which receives the session: redirects first if the session asks for it, and adds
     * the session's cookies to the response.
     */
    async handle(
      request: Request,
      run: (session: ServerSession) => Response | Promise<Response>,
    ): Promise<Response> {
      const current = await session(request)
      const response = current.redirect ? redirectTo(addressOf(request)) : await run(current)
      if (current.setCookies.length === 0) return response
      const answer = new Response(response.body, response)
      for (const cookie of current.setCookies) answer.headers.append('set-cookie', cookie)
      // A shared cache must not hand the cookies to others.
      answer.headers.set('cache-control', 'private, no-store')
      return answer
    },

    /** The address of the sign-in page, which returns to `returnTo`, an address with its origin. */
    signInUrl: (returnTo?: string): string => pageUrl(publicUrl, 'sign-in', returnTo),
  }
}

/** Sessions that start in this browser must not be bound to its key, because this server exchanges their tokens. */
const UNBOUND = '; Path=/; SameSite=Strict; Max-Age=34560000'

function accessCookieName(refreshCookieName: string): string {
  return refreshCookieName.replace(/refresh$/, 'access')
}

/** Like the refresh token's: scripts cannot read it, and pages of other sites cannot have it sent. */
function accessCookie(refreshCookieName: string, token: string): string {
  const seconds = Math.floor(received(token, '').lifeMs / 1000) - MARGIN_SECONDS
  const secure = refreshCookieName.startsWith('__Host-') ? '; Secure' : ''
  return `${accessCookieName(refreshCookieName)}=${token}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${seconds}${secure}`
}

function redirectTo(location: string): Response {
  return new Response(null, { status: 307, headers: { location } })
}

/** Next.js requires the origin, and removes it by itself. */
function addressOf(request: Request): string {
  const { href, pathname, search } = new URL(request.url)
  return 'nextUrl' in request ? href : localAddress(`${pathname}${search}`)
}
