import { type AccessToken, isFresh, leftMs, received, sessionOf } from './access-token.ts'
import { AuthError } from './errors.ts'
import type { LoginMutation, PayloadFieldsFragment, RegisterMutation } from './generated/operations.ts'
import { dataOf, type Post, persistently, sleep } from './http.ts'
import { Logout, Refresh } from './operations.ts'
import type { RefreshTokens } from './storage.ts'
import { type Channel, joinChannel, type Message, NO_CHANNEL } from './tabs.ts'
import type { Turns } from './turns.ts'
import type { AuthState, User } from './types.ts'

type Payload = PayloadFieldsFragment
type SignInAnswer = LoginMutation['login'] | RegisterMutation['register']
type Parts = {
  post: Post
  tokens: RefreshTokens
  turns: Turns
  /** Of the channel to the clients that have the same session; undefined where there are none. */
  channelName: string | undefined
  onError: (error: unknown) => void
}

const UNKNOWN: AuthState = { status: 'restoring', user: undefined, error: undefined }
const NOBODY: AuthState = { status: 'signedOut', user: null }
/** Within which a tab hears what another one did before it let go of its turn. */
const NEWS_MS = 100
/** How often the storage may change under an exchange before it is given up. */
const ROUNDS = 5

/**
 * The session of this client and its tokens. Exchanges, sign-ins and sign-outs take turns, with those of
 * other tabs too; what ends or replaces the session begins a new era, and whatever comes back from an era
 * before is thrown away.
 */
export class LiveSession {
  readonly #parts: Parts
  readonly #listeners = new Set<(user: User | null | undefined, state: AuthState) => void>()
  /** Sessions that were left. They never come back, but late messages about them do. */
  readonly #left = new Set<string>()
  #state = UNKNOWN
  #access: AccessToken | undefined
  #era = new AbortController()
  #refreshing: Promise<void> | undefined
  #channel: Channel | undefined
  #closed = false
  /** Counts what the user asked for here: the answer to a sign-in is not wanted after a sign-out. */
  #wishes = 0
  /** Has the server end the session that was left, until it has heard of it. */
  #untold: (() => Promise<unknown>) | undefined

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get state(): AuthState {
    return this.#state
  }

  get sessionId(): string | undefined {
    return this.#access?.sessionId
  }

  /** The token in use, be it still good or not. */
  get accessToken(): string | undefined {
    return this.#access?.text
  }

  onChange(listener: (user: User | null | undefined, state: AuthState) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /**
   * An access token that should still be good when it arrives; null where nobody is signed in.
   * @throws AuthError, NetworkError where there is none and the server gives none for now
   */
  async token(): Promise<string | null> {
    const access = this.#access
    if (access && isFresh(access)) return access.text
    try {
      // Whoever has signed in meanwhile: nothing was begun yet.
      return (await this.renew(access?.text)) ?? this.accessToken ?? null
    } catch (error) {
      if (access && access === this.#access && leftMs(access) > 0) return access.text
      throw error
    }
  }

  /**
   * A token in place of `stale`, from one exchange for all who ask at once. Null where the session of
   * `stale` has ended or was replaced: what was begun in it must not be repeated as somebody else.
   */
  async renew(stale: string | undefined): Promise<string | null> {
    this.#join()
    while (this.#state.status !== 'signedOut') {
      if (this.#closed) throw new Error('This client is closed. Make another one.')
      const access = this.#access
      if (access && access.text !== stale) {
        const began = stale === undefined ? undefined : sessionOf(stale)
        return began === undefined || began === access.sessionId ? access.text : null
      }
      this.#refreshing ??= this.#refresh()
      await this.#refreshing
    }
    return null
  }

  /** Sends a sign-in or registration, and begins the session that it gives. */
  async signIn<Result extends SignInAnswer>(ask: () => Promise<Result>): Promise<Result> {
    this.#join()
    const wish = ++this.#wishes
    // Nobody should wait for the repeats of an exchange whose session is about to be replaced.
    this.#beginEra()
    return this.#parts.turns(async () => {
      const answer = await ask()
      if (answer.__typename !== 'AuthPayload') return answer
      const wanted = () => wish === this.#wishes
      if (wanted()) await this.#parts.tokens.write(answer.refreshToken)
      if (!wanted()) {
        await this.#endUnwanted(answer)
        throw new Error('Another sign-in or sign-out came before the answer. This one was undone.')
      }
      this.#beginEra()
      this.#begin(answer)
      return answer
    })
  }

  /**
   * Forgets the session here and in the other tabs at once, then has the server end it.
   * @throws NetworkError, AuthError where the server could not be told
   */
  async signOut(): Promise<void> {
    this.#join()
    this.#wishes++
    const { post, tokens, turns, onError } = this.#parts
    const token = this.#access?.text
    const era = this.#end(true)
    await turns(async waited => {
      if (waited) await sleep(NEWS_MS, era)
      // By now somebody may have signed in again: then the cookie and the storage are theirs.
      const replaced = era.aborted
      const refreshToken = replaced ? undefined : await tokens.read().catch(onError)
      if (!replaced) await tokens.remove()
      const input = refreshToken ? { refreshToken } : null
      if (token || !(this.#untold || replaced || refreshToken === null))
        this.#untold = async () =>
          dataOf(
            await post(
              Logout,
              { input },
              { token, keepalive: true, ...(replaced && { credentials: 'omit' }) },
            ),
          )
      const tell = this.#untold
      if (!tell) return
      await persistently(new AbortController().signal, tell)
      if (this.#untold === tell) this.#untold = undefined
    })
  }

  /** After the server has ended the session `sessionId`, for example with the account. */
  async ended(sessionId: string | undefined): Promise<void> {
    if (sessionId === undefined || sessionId !== this.sessionId) return
    const era = this.#end(true)
    await this.#parts.turns(async () => {
      if (!era.aborted) await this.#parts.tokens.remove()
    })
  }

  /** Takes over what the server says of the user now, unless somebody else has signed in since. */
  update(user: User): void {
    if (this.#state.user?.id !== user.id) return
    this.#become({ status: 'signedIn', user })
    this.#tellSession()
  }

  close(): void {
    this.#closed = true
    this.#beginEra()
    this.#channel?.close()
    this.#channel = NO_CHANNEL
  }

  #refresh(): Promise<void> {
    const era = this.#era.signal
    const before = this.#access
    const run = this.#parts
      .turns(async waited => {
        if (waited) await this.#listen(era, before)
        if (era.aborted || this.#access !== before) return
        for (let round = 0; round < ROUNDS; round++) {
          if (await persistently(era, () => this.#exchange(era))) return
        }
        throw new Error(
          'The stored refresh token changed again and again. Make one client only for each storage.',
        )
      })
      .catch(error => {
        if (era.aborted) return
        if (this.#state.status === 'restoring') this.#become({ ...UNKNOWN, error })
        throw error
      })
      .finally(() => {
        if (this.#refreshing === run) this.#refreshing = undefined
      })
    return run
  }

  /** Gives the tab that has just finished an exchange a moment to tell its result. */
  async #listen(era: AbortSignal, before: AccessToken | undefined): Promise<void> {
    const step = NEWS_MS / 5
    for (let ms = 0; ms < NEWS_MS && this.#access === before; ms += step) await sleep(step, era)
  }

  /** One exchange. False: the storage has another token by now, which is to be tried instead. */
  async #exchange(era: AbortSignal): Promise<boolean> {
    const { post, tokens } = this.#parts
    const sent = await tokens.read()
    if (era.aborted) return true
    if (sent === null) return this.#ending()
    const input = sent === undefined ? null : { refreshToken: sent }
    const answer = await post<{ refreshToken: Payload }>(Refresh, { input }, { signal: era })
    const kept = await tokens.read()
    if (era.aborted) return true
    try {
      const { refreshToken: payload } = dataOf(answer)
      if (kept !== sent && kept !== payload.refreshToken) return false
      if (this.#left.has(payload.session.id)) return this.#ending()
      if (payload.accessToken === this.#access?.text)
        throw new Error('The server gave the same access token again, which does not renew it.')
      // Kept before it is used: once its access token is seen, the server takes the old one for stolen.
      await tokens.write(payload.refreshToken)
      if (!era.aborted) this.#begin(payload)
      return true
    } catch (error) {
      if (!(error instanceof AuthError) || error.code !== 'REFRESH_TOKEN_INVALID') throw error
      if (kept !== sent) return false
      await tokens.remove()
      return era.aborted || this.#ending()
    }
  }

  /** Ends the session because it has ended. Others hear of it only where it is known which one it was. */
  #ending(): true {
    this.#end(this.sessionId !== undefined)
    return true
  }

  #begin(payload: Payload): void {
    this.#enter(received(payload.accessToken, payload.session.id), payload.user)
    this.#tellSession()
  }

  #enter(access: AccessToken, user: User): void {
    const before = this.sessionId
    if (before !== access.sessionId) {
      if (before !== undefined) this.#left.add(before)
      this.#beginEra()
      this.#untold = undefined
    }
    this.#access = access
    this.#become({ status: 'signedIn', user })
  }

  #end(tell: boolean): AbortSignal {
    const { sessionId } = this
    const era = this.#beginEra()
    if (sessionId !== undefined) this.#left.add(sessionId)
    this.#access = undefined
    this.#become(NOBODY)
    if (tell) this.#channel?.tell({ type: 'ended', sessionId })
    return era
  }

  #beginEra(): AbortSignal {
    this.#era.abort()
    this.#era = new AbortController()
    this.#refreshing = undefined
    return this.#era.signal
  }

  #become(state: AuthState): void {
    if (JSON.stringify(state) === JSON.stringify(this.#state) && state.error === this.#state.error) return
    this.#state = state
    for (const listener of this.#listeners) {
      // A listener may sign in or out; then all have heard of that by now.
      if (this.#state !== state) return
      try {
        listener(state.user, state)
      } catch (error) {
        this.#parts.onError(error)
      }
    }
  }

  async #endUnwanted({ accessToken }: Payload): Promise<void> {
    try {
      await this.#parts.post(Logout, { input: null }, { token: accessToken, credentials: 'omit' })
    } catch (error) {
      this.#parts.onError(error)
    }
  }

  /** Late, so that a client that is only made, as while a server renders a page, holds nothing open. */
  #join(): void {
    this.#channel ??= joinChannel(this.#parts.channelName, message => this.#hear(message))
  }

  #tellSession(): void {
    const { user } = this.#state
    if (!this.#access || !user) return
    const { text: accessToken, sessionId } = this.#access
    this.#channel?.tell({ type: 'session', sessionId, user, accessToken, leftMs: leftMs(this.#access) })
  }

  #hear(message: Message): void {
    const { sessionId } = message
    if (message.type === 'ended') {
      if (sessionId !== undefined) this.#left.add(sessionId)
      const mine = sessionId === undefined || sessionId === this.sessionId
      if (mine && this.#state.status !== 'signedOut') this.#end(false)
      return
    }
    if (this.#left.has(message.sessionId)) return
    const { accessToken, user } = message
    const told = received(accessToken, message.sessionId, message.leftMs)
    const mine = this.#access?.sessionId === told.sessionId ? this.#access : undefined
    this.#enter(mine && leftMs(mine) > leftMs(told) ? mine : told, user)
  }
}
