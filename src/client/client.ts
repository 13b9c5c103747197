import { AuthError, isUnauthenticated } from './errors.ts'
import { type Answer, dataOf, type Fetch, originOf, poster, unlessAborted } from './http.ts'
import { LiveSession } from './live-session.ts'
import * as operations from './operations.ts'
import { deviceIn, inCookie, inStorage, memoryStorage, pageStorage, type TokenStorage } from './storage.ts'
import { type Locks, leaseTurns, localTurns, lockTurns, type Turns } from './turns.ts'
import type * as Types from './types.ts'

export type AuthClientOptions = {
  /** The GraphQL endpoint, such as `https://auth.example.com/graphql`. */
  url: string
  /**
   * Where the refresh token travels: in an HttpOnly cookie, which is the default in browsers, or in the
   * body, for React Native and Node.
   */
  transport?: 'cookie' | 'body' | undefined
  /** Where the transport `body` keeps the refresh token. In memory unless told. */
  storage?: TokenStorage | undefined
  /** Origins besides the server's and the page's own that `client.fetch` may send the access token to. */
  tokenOrigins?: readonly string[] | undefined
  /** Hears of what fails without anybody waiting for it, such as a storage that cannot be written to. */
  onError?: ((error: unknown) => void) | undefined
  /** How long to wait for one answer. 10 s unless told. */
  timeoutMs?: number | undefined
  /** In place of the platform's. */
  fetch?: Fetch | undefined
  /** In place of `navigator.locks`, by which tabs take turns. */
  locks?: Locks | undefined
}

export type RequestOptions = {
  /** Gives the request up: the promise is rejected with its reason, and nothing is repeated. */
  signal?: AbortSignal | undefined
}

/**
 * A document: its text, what GraphQL Code Generator makes with `documentMode: 'string'`, or a parsed one
 * that has kept its text, as `gql` makes them. The types of its variables and its data come along.
 */
export type TypedDocument<Data, Variables> = Document & {
  readonly __apiType?: (variables: Variables) => Data
}

type Document =
  | string
  // biome-ignore lint/complexity/noBannedTypes: the generated classes extend String.
  | String
  | { readonly kind: 'Document'; readonly loc?: { readonly source: { readonly body: string } } | undefined }

/**
 * Makes the client of one Authograph server: it keeps one session, with its access token in memory, and
 * renews the token when it must. Make one for the whole application; its functions need no `this`.
 *
 * Every function that asks the server throws AuthError where the server refuses and NetworkError where no
 * answer came. Only the server's word that a session has ended signs out; an overloaded server or a lost
 * connection never does.
 */
export function createAuthClient(options: AuthClientOptions) {
  const { url, timeoutMs = 10_000, onError = () => {}, tokenOrigins = [] } = options
  if (!url) throw new TypeError('createAuthClient has no url. Give it that of the GraphQL endpoint.')
  const fetch: Fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init))
  const transport = options.transport ?? (typeof document === 'undefined' ? 'body' : 'cookie')
  const storage = options.storage ?? memoryStorage()
  const scope = transport === 'cookie' ? 'cookie' : storage.scope
  // The version is that of the messages: another one may be open in a tab from before an update.
  const name = scope === undefined ? undefined : `authograph 1 ${url} ${scope}`
  const post = poster(url, fetch, transport === 'cookie' ? 'include' : 'omit', timeoutMs)
  const session = new LiveSession({
    post,
    tokens: transport === 'cookie' ? inCookie : inStorage(storage, onError),
    turns: turnsFor(name, options.locks),
    channelName: name,
    onError,
  })
  const tokenTransport = transport === 'cookie' ? 'COOKIE' : 'BODY'
  // The other transport has a cookie for it.
  const device = transport === 'body' ? deviceIn(storage, onError) : undefined
  const withDevice = async <Input>(input: Input) => ({ ...input, ...(await device?.read()) })

  async function send<Data>(document: string, variables: unknown, signal?: AbortSignal): Promise<Data> {
    const token = await unlessAborted(signal, session.token())
    const answer = await post<Data>(document, variables, { token: token ?? undefined, signal })
    if (token === null || !refused(answer)) return dataOf(answer)
    const next = await unlessAborted(signal, session.renew(token))
    return dataOf(next === null ? answer : await post<Data>(document, variables, { token: next, signal }))
  }

  /** Of operations that need no session and must work while there is no telling whether there is one. */
  async function sendOpenly<Data, Variables>(
    document: operations.TypedText<Data, Variables>,
    variables: Variables,
  ): Promise<Data> {
    return dataOf(await post<Data>(document, variables))
  }

  const typed = <Data, Variables>(document: operations.TypedText<Data, Variables>, variables: Variables) =>
    send<Data>(document, variables)

  /**
   * Sends an operation as the signed-in user, or as nobody where nobody is signed in. Where the server
   * says UNAUTHENTICATED, the token is renewed and the operation repeated, once; so put operations that
   * must not run twice into documents of their own.
   * @throws AuthError where the answer has errors, even beside data; NetworkError; the reason of the signal
   */
  function request<Data = unknown, Variables = Record<string, unknown>>(
    document: TypedDocument<Data, Variables>,
    ...[variables, options]: Record<string, never> extends Variables
      ? [variables?: Variables, options?: RequestOptions]
      : [variables: Variables, options?: RequestOptions]
  ): Promise<Data> {
    return send<Data>(textOf(document), variables, options?.signal)
  }

  async function login(input: Types.LoginInput): Promise<Types.SignedIn> {
    const answer = await session.signIn(async () => {
      const sent = await withDevice({ ...input, tokenTransport } as const)
      const { login } = await sendOpenly(operations.Login, { input: sent })
      await device?.write(login.deviceToken)
      return login
    })
    if (answer.__typename !== 'AuthPayload') throw unknownOutcome(answer)
    return { status: 'signedIn', user: answer.user }
  }

  async function register(input: Types.RegisterInput): Promise<Types.SignedIn | Types.VerificationRequired> {
    const answer = await session.signIn(async () => {
      const sent = await withDevice({ ...input, tokenTransport } as const)
      const { register } = await sendOpenly(operations.Register, { input: sent })
      if (register.__typename === 'AuthPayload') await device?.write(register.deviceToken)
      return register
    })
    if (answer.__typename === 'EmailVerificationRequired')
      return { status: 'verificationRequired', email: answer.email }
    if (answer.__typename !== 'AuthPayload') throw unknownOutcome(answer)
    return { status: 'signedIn', user: answer.user }
  }

  async function me(): Promise<Types.User | null> {
    if ((await session.token()) === null) return null
    try {
      const { me } = await typed(operations.Me, {})
      if (me) session.update(me)
    } catch (error) {
      if (!(error instanceof AuthError && error.code === 'UNAUTHENTICATED')) throw error
    }
    return session.state.user ?? null
  }

  async function updated(user: Types.User): Promise<Types.User> {
    session.update(user)
    return user
  }

  /** A link in a mail changes the account of whoever may be signed in here. */
  async function changedElsewhere(user: Types.PublicUser): Promise<Types.PublicUser> {
    if (session.state.user?.id === user.id) await me().catch(onError)
    return user
  }

  async function authorisedFetch(input: string | URL | Request, init: RequestInit = {}): Promise<Response> {
    const target = absolute(isRequest(input) ? input.url : String(input))
    const origin = originOf(target)
    const allowed = [absolute(url), globalThis.location?.origin ?? '', ...tokenOrigins]
    if (!allowed.map(originOf).includes(origin))
      throw new TypeError(
        `client.fetch does not send the access token to ${origin}. Add this origin to tokenOrigins, or use fetch.`,
      )
    const ask = (token: string | null) => {
      const headers = new Headers(init.headers ?? (isRequest(input) ? input.headers : undefined))
      if (token !== null) headers.set('authorization', `Bearer ${token}`)
      return fetch(isRequest(input) ? input.clone() : input, { ...init, headers })
    }
    const signal = init.signal ?? (isRequest(input) ? input.signal : undefined)
    const token = await unlessAborted(signal, session.token())
    const response = await ask(token)
    const once = typeof (init.body as ReadableStream | null | undefined)?.getReader === 'function'
    if (token === null || once || !(await refuses(response, target))) return response
    const next = await unlessAborted(signal, session.renew(token))
    return next === null ? response : ask(next)
  }

  /** By its status; the GraphQL endpoint says it in the body. */
  async function refuses(response: Response, target: string): Promise<boolean> {
    if (response.status === 401) return true
    if (target !== absolute(url) || !/json/.test(response.headers.get('content-type') ?? '')) return false
    const answer: unknown = await response
      .clone()
      .json()
      .catch(() => null)
    return !!answer && typeof answer === 'object' && refused(answer)
  }

  return {
    /** Who is signed in, as far as is known by now. */
    get state(): Types.AuthState {
      return session.state
    },

    /**
     * Calls `listener` whenever somebody signs in or out, here or in another tab, or the user changes. The
     * user is null when nobody is signed in, and undefined while the server could not be asked.
     * @returns what ends the calls
     */
    onChange(listener: (user: Types.User | null | undefined, state: Types.AuthState) => void): () => void {
      return session.onChange(listener)
    },

    /**
     * Takes up the session from the storage or the cookie, and gives the user, or null. Everything that
     * needs the session does this by itself; call it to know at the start.
     */
    async restore(): Promise<Types.User | null> {
      if (session.state.status === 'restoring') await session.renew(undefined)
      return session.state.user ?? null
    },

    /** An access token for the Authorization header, renewed where it is about to expire; null for nobody. */
    getAccessToken: (): Promise<string | null> => session.token(),

    /**
     * A new access token in place of `stale`, or of the one in use: after an answer of 401, or to have new
     * roles in it. All who ask at once share one exchange. Null where the session of `stale` is over.
     */
    renewAccessToken: (stale?: string): Promise<string | null> => session.renew(stale ?? session.accessToken),

    request,

    /**
     * `fetch` with the access token, renewed and repeated at most once where the server answers 401. It
     * goes only to the server's origin, the page's own, and those in `tokenOrigins`.
     */
    fetch: authorisedFetch,

    /** Makes an account, and signs it in unless its address must be verified first. */
    register,

    /** Signs in, here and in the other tabs. A session that there was before stays on the server. */
    login,

    /**
     * Signs out here and in the other tabs at once, then tells the server. Where that fails, the session
     * lives on there, and in its cookie: show the error, and call `logout` again.
     */
    logout: (): Promise<void> => session.signOut(),

    /** Proves the password again, after REAUTHENTICATION_REQUIRED. */
    async reauthenticate(password: string): Promise<Types.Session> {
      const { reauthenticate } = await typed(operations.Reauthenticate, { input: { password } })
      return reauthenticate
    },

    /** Asks the server for the signed-in user anew; null for nobody. */
    me,

    /** What the server allows, to build forms from. */
    async settings(): Promise<Types.AuthSettings> {
      const { authSettings } = await sendOpenly(operations.Settings, {})
      return authSettings
    },

    sessions: {
      /** The user's live sessions, the latest used first. */
      async list(): Promise<Types.Session[]> {
        const { me } = await typed(operations.Sessions, {})
        return me?.sessions ?? []
      },

      /** Ends one of them; one's own signs out. */
      async revoke(id: string): Promise<Types.Session> {
        const { revokeSession } = await typed(operations.RevokeSession, { id })
        await session.ended(id)
        return revokeSession
      },

      /** Ends all but this one, and says how many. */
      async revokeOthers(): Promise<number> {
        const { revokeOtherSessions } = await typed(operations.RevokeOtherSessions, {})
        return revokeOtherSessions
      },

      /** Ends all of them, which signs out, and says how many. */
      async revokeAll(): Promise<number> {
        return endingSession(async () => {
          const { revokeAllSessions } = await typed(operations.RevokeAllSessions, {})
          return revokeAllSessions
        })
      },
    },

    async updateProfile(input: Types.UpdateProfileInput): Promise<Types.User> {
      const { updateProfile } = await typed(operations.UpdateProfile, { input })
      return updated(updateProfile)
    },

    /** Sets a new password and ends all other sessions. */
    async changePassword(input: Types.ChangePasswordInput): Promise<Types.User> {
      const { changePassword } = await typed(operations.ChangePassword, { input: await withDevice(input) })
      return updated(changePassword)
    },

    /** Has a link mailed to the address, if it has an account; nobody learns whether it has. */
    async requestPasswordReset(email: string): Promise<void> {
      await sendOpenly(operations.RequestPasswordReset, { input: { email } })
    },

    /** Sets a new password with the token from the mail. Ends all sessions and does not sign in. */
    async resetPassword(input: Types.ResetPasswordInput): Promise<void> {
      await sendOpenly(operations.ResetPassword, { input: await withDevice(input) })
    },

    /** Has the link mailed again, if there is something to verify. */
    async resendVerificationEmail(email: string): Promise<void> {
      await sendOpenly(operations.ResendVerificationEmail, { input: { email } })
    },

    /** Verifies the address with the token from the mail. */
    async verifyEmail(token: string): Promise<Types.PublicUser> {
      const { verifyEmail } = await sendOpenly(operations.VerifyEmail, { input: { token } })
      return changedElsewhere(verifyEmail)
    },

    /** Has a link mailed to the new address. Wants a fresh sign-in: see `reauthenticate`. */
    async requestEmailChange(newEmail: string): Promise<void> {
      await typed(operations.RequestEmailChange, { input: { newEmail } })
    },

    /** Takes the new address into use with the token from the mail. */
    async confirmEmailChange(token: string): Promise<Types.PublicUser> {
      const { confirmEmailChange } = await sendOpenly(operations.ConfirmEmailChange, { input: { token } })
      return changedElsewhere(confirmEmailChange)
    },

    /** Deletes the account and everything that belongs to it. Wants a fresh sign-in: see `reauthenticate`. */
    async deleteAccount(): Promise<void> {
      await endingSession(() => typed(operations.DeleteAccount, {}))
    },

    /** Lets go of the other tabs and gives up what is under way. Signs nobody out. */
    close: (): void => session.close(),
  }

  async function endingSession<Result>(run: () => Promise<Result>): Promise<Result> {
    await session.token()
    const { sessionId } = session
    const result = await run()
    await session.ended(sessionId)
    return result
  }
}

export type AuthClient = ReturnType<typeof createAuthClient>

function turnsFor(name: string | undefined, given: Locks | undefined): Turns {
  if (name === undefined) return localTurns()
  const locks = given ?? globalThis.navigator?.locks
  if (locks) return lockTurns(locks, name)
  const storage = pageStorage()
  return storage ? leaseTurns(storage, name) : localTurns()
}

function refused({ errors }: Answer<unknown>): boolean {
  return Array.isArray(errors) && errors.some(isUnauthenticated)
}

/** The address as the page's own place completes it; elsewhere there are only complete ones. */
function absolute(address: string): string {
  return globalThis.location ? new URL(address, globalThis.location.href).href : address
}

function isRequest(input: string | URL | Request): input is Request {
  return typeof input === 'object' && 'url' in input
}

function textOf(document: Document): string {
  if (typeof document === 'string' || document instanceof String) return `${document}`
  if (!document.loc)
    throw new TypeError('This document has lost its text. Pass print(document), from graphql.')
  return document.loc.source.body
}

function unknownOutcome(answer: { __typename: string }): Error {
  return new Error(
    `The server asks for ${answer.__typename}, which this version of authograph/client does not know.`,
  )
}
