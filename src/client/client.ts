import { accountMethods } from './account.ts'
import { AuthError } from './errors.ts'
import { type AuthEvent, type AuthEvents, Events } from './events.ts'
import type { FactorMethods } from './factor-methods.ts'
import { type Fetch, poster } from './http.ts'
import { keyStorageFor, nameOfTabs } from './key-storage.ts'
import { LiveSession } from './live-session.ts'
import { onDemand, onFirstCall } from './on-demand.ts'
import { pageUrl, type ServerPage } from './pages.ts'
import { proofsWith } from './proofs.ts'
import type { ProviderMethods } from './provider-types.ts'
import { requester } from './request.ts'
import type { KeyStorage } from './session-key.ts'
import { signInMethods, signingIn } from './sign-in.ts'
import { warnIfCrossSite } from './site.ts'
import { deviceIn, inCookie, inStorage, memoryStorage, type TokenStorage } from './storage.ts'
import { type Locks, turnsFor } from './turns.ts'
import type { AuthState, ProofInput, StepUpChallenge, User } from './types.ts'

const MAX_CHALLENGES = 2

export type AuthClientOptions = {
  /** The GraphQL endpoint, such as `https://auth.example.com/graphql`. */
  url: string
  /**
   * How the refresh token travels: in an HttpOnly cookie (`cookie`, the default in browsers) or in the body
   * (`body`, for React Native and Node).
   */
  transport?: 'cookie' | 'body' | undefined
  /**
   * An access token of a session that cannot be refreshed, such as that of `impersonateUser`. The client uses it until it
   * ends, apart from the sessions of other clients, and keeps nothing.
   */
  accessToken?: string | undefined
  /** Where the `body` transport keeps the refresh token. Default: memory. */
  storage?: TokenStorage | undefined
  /**
   * Where the key is kept that new sessions are bound to; `false` binds none. Default: in a page, IndexedDB, and elsewhere
   * memory if the refresh token is in memory too. See docs/bound-sessions.md.
   */
  key?: KeyStorage | false | undefined
  /**
   * The setting COOKIE_PREFIX of the server. Only needed if several servers on one host have different ones, and one of them
   * has pages that are rendered with `authograph-client/server`.
   */
  cookiePrefix?: string | undefined
  /** Origins that `client.fetch` may send the access token to, besides the server's and the page's. */
  tokenOrigins?: readonly string[] | undefined
  /**
   * Asks the user to prove their identity again, calls `client.stepUp` with the proofs, and resolves. Called when
   * `withStepUp` or `client.fetch` meets a challenge. Rejects if the user declines.
   */
  onStepUp?: ((challenge: StepUpChallenge) => Promise<void>) | undefined
  /** Receives errors that no call reports, such as a storage that cannot be written. */
  onError?: ((error: unknown) => void) | undefined
  /** How long to wait for an answer. Default: 10 s. */
  timeoutMs?: number | undefined
  /** Replaces the platform's `fetch`. */
  fetch?: Fetch | undefined
  /** Replaces `navigator.locks`, which tabs use to take turns. */
  locks?: Locks | undefined
}

/**
 * Creates the client of one Authograph server. It holds one session, keeps the access token in memory and
 * renews it before it expires. Create one client for the whole application. You can pass its functions
 * around without binding `this`.
 *
 * Every function that sends a request throws AuthError when the server refuses it and NetworkError when no
 * answer arrives. The client signs out only when the server says that the session has ended, never because
 * of a lost connection or an overloaded server.
 */
export function createAuthClient(options: AuthClientOptions) {
  const { url, timeoutMs = 10_000, onError = () => {}, tokenOrigins = [] } = options
  if (!url) throw new TypeError('createAuthClient has no url. Set it to the GraphQL endpoint.')
  const fetch: Fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init))
  const given = options.accessToken
  const transport =
    given !== undefined
      ? 'body'
      : (options.transport ?? (typeof document === 'undefined' ? 'body' : 'cookie'))
  const storage = (given === undefined ? options.storage : undefined) ?? memoryStorage()
  const scope = transport === 'cookie' ? 'cookie' : storage.scope
  const name = scope === undefined ? undefined : nameOfTabs(url, scope)
  if (transport === 'cookie') warnIfCrossSite(url, globalThis.location?.origin)
  const keys = keyStorageFor(options, name, transport === 'cookie' ? undefined : storage)
  const proofs = proofsWith(keys, onError)
  const post = poster(url, fetch, transport === 'cookie' ? 'include' : 'omit', timeoutMs, proofs)
  const events = new Events(onError)
  const kept = transport === 'cookie' ? inCookie : inStorage(storage, onError)
  const tokens = { ...kept, remove: () => kept.remove().then(() => proofs.remove()) }
  const session = new LiveSession({
    post,
    tokens,
    proofs,
    given,
    turns: turnsFor(name, options.locks),
    channelName: name,
    reload: () => account.me(),
    events,
    onError,
  })
  const requests = requester(session, post, proofs)
  // The cookie transport keeps the device token in a cookie too.
  const device = transport === 'body' ? deviceIn(storage, onError) : undefined
  const tokenTransport = transport === 'cookie' ? ('COOKIE' as const) : ('BODY' as const)
  const parts = { session, requests, device, tokenTransport, onError }
  const account = accountMethods(parts)
  const signIn = signInMethods(parts)
  const stepUp = onDemand(() => import('./step-up.ts'))
  const fetcher = onDemand(async () =>
    (await import('./authorized-fetch.ts')).authorizedFetch({
      url,
      session,
      proofs,
      fetch,
      tokenOrigins,
      onStepUp: options.onStepUp,
    }),
  )

  return {
    /** The user who is signed in, as far as the client knows. */
    get state(): AuthState {
      return session.state
    },

    /**
     * Calls `listener` when a user signs in or out, here or in another tab, and when the user changes. The
     * user is null when signed out, and undefined until the server has answered.
     * @returns a function that removes the listener
     */
    onChange(listener: (user: User | null | undefined, state: AuthState) => void): () => void {
      return session.onChange(listener)
    },

    /**
     * Calls `listener` when `event` happens to the session, here or in another tab.
     * @returns a function that removes the listener
     */
    on<Name extends AuthEvent>(event: Name, listener: (detail: AuthEvents[Name]) => void): () => void {
      return events.on(event, listener)
    },

    /**
     * Resumes the session from the storage or the cookie and returns the user, or null when signed out.
     * Functions that need the session call it themselves; call it to learn the state at startup.
     */
    async restore(): Promise<User | null> {
      if (session.state.status === 'restoring') await session.renew(undefined)
      return session.state.user ?? null
    },

    /** Returns an access token, renewed if it is about to expire; null when signed out. */
    getAccessToken: (): Promise<string | null> => session.token(),

    /**
     * Replaces the access token `stale`, by default the current one. Use it after a 401 response, or to
     * receive new roles. Concurrent calls share one exchange. Null if the session of `stale` has ended.
     */
    renewAccessToken: (stale?: string): Promise<string | null> => session.renew(stale ?? session.accessToken),

    request: requests.request,

    /**
     * `fetch` with the access token. After a 401 response, renews the token and repeats the request once.
     * Sends the token only to the origins of the server and the page, and to `tokenOrigins`.
     */
    fetch: async (...[input, init]: Parameters<Fetch>): Promise<Response> =>
      (await fetcher()).fetch(input, init),

    /**
     * The header fields for one request to `url` that something other than `fetch` sends: the access token, and with
     * `DPOP=full` the proof of its key. Only for the origins that `fetch` sends the token to. Empty when signed out.
     */
    authorization: async (url: string, method = 'GET'): Promise<Record<string, string>> =>
      (await fetcher()).authorization(url, method),

    ...signIn,
    ...account,

    /** Passkeys, authenticator apps, recovery codes and trusted devices. */
    factors: onFirstCall<FactorMethods>(async () =>
      (await import('./factor-methods.ts')).factorMethods(parts, signingIn(parts)),
    ),

    /** Signing in with other providers, such as Google. */
    providers: onFirstCall<ProviderMethods>(async () =>
      (await import('./provider-methods.ts')).providerMethods(parts, signingIn(parts)),
    ),

    /**
     * Proves the user's identity again, for operations that answer STEP_UP_REQUIRED. Replaces the tokens: an older access
     * token does not benefit.
     */
    stepUp: async (...proofs: ProofInput[]): Promise<User> => (await stepUp()).stepUp(parts, proofs),

    /**
     * Runs `run`. If the server requires a stronger or more recent proof, calls `prove`, by default `onStepUp`, and runs
     * it again. An operation may ask twice: for the password first, then for an emailed code.
     */
    async withStepUp<Result>(run: () => Promise<Result>, prove = options.onStepUp): Promise<Result> {
      for (let challenges = 0; ; challenges++) {
        try {
          return await run()
        } catch (error) {
          const challenge = error instanceof AuthError ? (await stepUp()).challengeIn(error) : undefined
          if (!challenge || !prove || challenges === MAX_CHALLENGES) throw error
          await prove(challenge)
        }
      }
    },

    /**
     * The address of the server's sign-in page, which sends people back to `returnTo` when they have signed in. By
     * default that is the current page; a server that renders pages has none.
     */
    signInUrl: (returnTo?: string): string => pageUrl(url, 'sign-in', returnTo ?? globalThis.location?.href),

    /** The address of a page of the server. */
    pageUrl: (page: ServerPage, returnTo?: string): string =>
      pageUrl(url, page, returnTo ?? globalThis.location?.href),

    /** Leaves the other tabs alone and cancels pending requests. Does not sign out. */
    close: (): void => session.close(),
  }
}

export type AuthClient = ReturnType<typeof createAuthClient>
