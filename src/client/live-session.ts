import { type AccessToken, isFresh, leftMs, received, sessionOf, strengthOf } from './access-token.ts'
import { AuthError } from './errors.ts'
import type { Events } from './events.ts'
import type {
  LoginMutation,
  LoginWithEmailMutation,
  PayloadFieldsFragment,
  RegisterMutation,
} from './generated/operations.ts'
import { dataOf, type Post, persistently, sleep } from './http.ts'
import { Logout, Refresh } from './operations.ts'
import type { RefreshTokens } from './storage.ts'
import { type Channel, joinChannel, type Message, NO_CHANNEL } from './tabs.ts'
import type { Turns } from './turns.ts'
import type { AuthState, User } from './types.ts'

type Payload = PayloadFieldsFragment
type SignInAnswer =
  | LoginMutation['login']
  | LoginWithEmailMutation['loginWithEmail']
  | RegisterMutation['register']
type Parts = {
  post: Post
  tokens: RefreshTokens
  turns: Turns
  /** The channel to clients with the same session; undefined if no other client can have it. */
  channelName: string | undefined
  /** Fetches the user anew, which notices a session that the server has ended. */
  reload: () => Promise<unknown>
  events: Events
  onError: (error: unknown) => void
}

const RESTORING: AuthState = { status: 'restoring', user: undefined, error: undefined }
const SIGNED_OUT: AuthState = { status: 'signedOut', user: null }
/** How long a message from the tab that just finished its turn may take. */
const MESSAGE_DELAY_MS = 100
/** How often the stored token may change during an exchange before the exchange fails. */
const MAX_ROUNDS = 5

/**
 * This client's session and its tokens. Exchanges, sign-ins and sign-outs take turns, across tabs too. Each
 * sign-in and sign-out starts a new epoch; answers from an earlier epoch are discarded.
 */
export class LiveSession {
  readonly #parts: Parts
  readonly #listeners = new Set<(user: User | null | undefined, state: AuthState) => void>()
  /** IDs of sessions that ended here. Late messages about them must not restore them. */
  readonly #endedSessions = new Set<string>()
  #state = RESTORING
  #access: AccessToken | undefined
  #epoch = new AbortController()
  #refreshing: Promise<void> | undefined
  #channel: Channel | undefined
  #closed = false
  /** Counts sign-ins and sign-outs. A later one supersedes a sign-in that is still waiting for its answer. */
  #attempts = 0
  /** Ends the signed-out session on the server. Kept until the server has confirmed it. */
  #pendingLogout: (() => Promise<unknown>) | undefined

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get state(): AuthState {
    return this.#state
  }

  get sessionId(): string | undefined {
    return this.#access?.sessionId
  }

  /** The current token, even if it has expired. */
  get accessToken(): string | undefined {
    return this.#access?.text
  }

  onChange(listener: (user: User | null | undefined, state: AuthState) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /**
   * An access token that will still be valid when it reaches the server; null when signed out.
   * @throws AuthError, NetworkError if there is no valid token and the server issues none
   */
  async token(): Promise<string | null> {
    const access = this.#access
    if (access && isFresh(access)) return access.text
    try {
      // If another user has signed in during the exchange, their token is right: nothing has been sent yet.
      return (await this.renew(access?.text)) ?? this.accessToken ?? null
    } catch (error) {
      if (access && access === this.#access && leftMs(access) > 0) return access.text
      throw error
    }
  }

  /**
   * Replaces the token `stale`. Concurrent calls share one exchange. Null if the session of `stale` has ended
   * or been replaced: an operation that began in it must not be repeated as another user.
   */
  async renew(stale: string | undefined): Promise<string | null> {
    this.#join()
    while (this.#state.status !== 'signedOut') {
      if (this.#closed) throw new Error('This client is closed. Create a new one.')
      const access = this.#access
      if (access && access.text !== stale) {
        const staleSession = stale === undefined ? undefined : sessionOf(stale)
        return staleSession === undefined || staleSession === access.sessionId ? access.text : null
      }
      this.#refreshing ??= this.#refresh()
      await this.#refreshing
    }
    return null
  }

  /** Sends a sign-in or registration and starts the session in its answer. */
  async signIn<Result extends SignInAnswer>(send: () => Promise<Result>): Promise<Result> {
    this.#join()
    const attempt = ++this.#attempts
    // The sign-in must not wait for the repeats of an exchange whose session it is about to replace.
    this.#startEpoch()
    return this.#parts.turns(async () => {
      const answer = await send()
      if (answer.__typename !== 'AuthPayload') return answer
      const isLatest = () => attempt === this.#attempts
      if (isLatest()) await this.#parts.tokens.write(answer.refreshToken)
      if (!isLatest()) {
        await this.#endSuperseded(answer)
        throw new Error('A later sign-in or sign-out replaced this one.')
      }
      this.#startEpoch()
      this.#start(answer, false)
      return answer
    })
  }

  /**
   * Immediately forgets the session here and in the other tabs, then ends it on the server.
   * @throws NetworkError, AuthError if the server did not confirm the end
   */
  async signOut(): Promise<void> {
    this.#join()
    this.#attempts++
    const { post, tokens, turns, onError } = this.#parts
    const token = this.#access?.text
    const epoch = this.#end(true, false)
    await turns(async waited => {
      if (waited) await sleep(MESSAGE_DELAY_MS, epoch)
      // After a new sign-in, the cookie and the storage belong to the new session.
      const replaced = epoch.aborted
      const refreshToken = replaced ? undefined : await tokens.read().catch(onError)
      if (!replaced) await tokens.remove()
      const input = refreshToken ? { refreshToken } : null
      if (token || !(this.#pendingLogout || replaced || refreshToken === null))
        this.#pendingLogout = async () =>
          dataOf(
            await post(
              Logout,
              { input },
              { token, keepalive: true, ...(replaced && { credentials: 'omit' }) },
            ),
          )
      const logout = this.#pendingLogout
      if (!logout) return
      await persistently(new AbortController().signal, logout)
      if (this.#pendingLogout === logout) this.#pendingLogout = undefined
    })
  }

  /**
   * Runs an operation that answers with new tokens for this session, such as a stronger proof, and uses them from then
   * on. Other requests continue. If another tab renews the tokens at the same moment, tries once more.
   * @throws AuthError UNAUTHENTICATED when signed out, and what the operation throws
   */
  async replaceTokens<Data>(
    send: (token: string) => Promise<Data>,
    payloadOf: (data: Data) => Payload,
  ): Promise<Data> {
    for (let isRepeat = false; ; isRepeat = true) {
      const token = await this.token()
      try {
        return await this.#parts.turns(async () => {
          const epoch = this.#epoch.signal
          // Another tab may have had its turn in the meantime.
          const data = await send(this.accessToken ?? token ?? '')
          const payload = payloadOf(data)
          if (epoch.aborted) return data
          await this.#parts.tokens.write(payload.refreshToken)
          if (!epoch.aborted) this.#start(payload)
          return data
        })
      } catch (error) {
        const isOutrun =
          error instanceof AuthError && (error.code === 'CONFLICT' || error.code === 'UNAUTHENTICATED')
        if (isRepeat || !isOutrun || token === null) throw error
        await this.renew(this.accessToken)
      }
    }
  }

  /** Call after the server has ended the session `sessionId`, for example when its account was deleted. */
  async ended(sessionId: string | undefined): Promise<void> {
    if (sessionId === undefined || sessionId !== this.sessionId) return
    const epoch = this.#end(true, false)
    await this.#parts.turns(async () => {
      if (!epoch.aborted) await this.#parts.tokens.remove()
    })
  }

  /** Runs an operation with which the server ends the current session, then forgets the session. */
  async endAfter<Result>(run: () => Promise<Result>): Promise<Result> {
    await this.token()
    const { sessionId } = this
    const result = await run()
    await this.ended(sessionId)
    return result
  }

  /**
   * Asks the server whether the session is still active, here and in the other tabs. Call it after an operation
   * that may have ended sessions. If the server cannot be reached, the session stays.
   */
  async recheck(): Promise<void> {
    this.#join()
    this.#channel?.send({ type: 'recheck' })
    await this.#recheckHere()
  }

  async #recheckHere(): Promise<void> {
    if (this.#state.status === 'signedIn') await this.#parts.reload().catch(this.#parts.onError)
  }

  /** Updates the user from an answer, unless another user has signed in since. */
  update(user: User): void {
    if (this.#state.user?.id !== user.id) return
    this.#signedInAs(user)
    this.#announce()
  }

  close(): void {
    this.#closed = true
    this.#startEpoch()
    this.#channel?.close()
    this.#channel = NO_CHANNEL
  }

  #refresh(): Promise<void> {
    const epoch = this.#epoch.signal
    const before = this.#access
    const run = this.#parts
      .turns(async waited => {
        if (waited) await this.#awaitMessage(epoch, before)
        if (epoch.aborted || this.#access !== before) return
        for (let round = 0; round < MAX_ROUNDS; round++) {
          if (await persistently(epoch, () => this.#exchange(epoch))) return
        }
        throw new Error('The stored refresh token kept changing. Create only one client for each storage.')
      })
      .catch(error => {
        if (epoch.aborted) return
        if (this.#state.status === 'restoring') this.#become({ ...RESTORING, error })
        throw error
      })
      .finally(() => {
        if (this.#refreshing === run) this.#refreshing = undefined
      })
    return run
  }

  /** Waits briefly for the result of the exchange that another tab has just finished. */
  async #awaitMessage(epoch: AbortSignal, before: AccessToken | undefined): Promise<void> {
    const step = MESSAGE_DELAY_MS / 5
    for (let ms = 0; ms < MESSAGE_DELAY_MS && this.#access === before; ms += step) await sleep(step, epoch)
  }

  /** Runs one exchange. Returns false if the stored token changed during it: the caller tries the new one. */
  async #exchange(epoch: AbortSignal): Promise<boolean> {
    const { post, tokens } = this.#parts
    const sent = await tokens.read()
    if (epoch.aborted) return true
    if (sent === null) return this.#forget()
    const input = sent === undefined ? null : { refreshToken: sent }
    const answer = await post<{ refreshToken: Payload }>(Refresh, { input }, { signal: epoch })
    const kept = await tokens.read()
    if (epoch.aborted) return true
    try {
      const { refreshToken: payload } = dataOf(answer)
      if (kept !== sent && kept !== payload.refreshToken) return false
      if (this.#endedSessions.has(payload.session.id)) return this.#forget()
      if (payload.accessToken === this.#access?.text)
        throw new Error('The server returned the same access token again instead of a new one.')
      // Stored before use: once the server sees the new access token, it treats the old refresh token as stolen.
      await tokens.write(payload.refreshToken)
      if (!epoch.aborted) this.#start(payload)
      return true
    } catch (error) {
      if (!(error instanceof AuthError) || error.code !== 'REFRESH_TOKEN_INVALID') throw error
      if (kept !== sent) return false
      await tokens.remove()
      return epoch.aborted || this.#forget()
    }
  }

  /** Forgets a session that the server has ended. Notifies other tabs only if its ID is known. */
  #forget(): true {
    this.#end(this.sessionId !== undefined, true)
    return true
  }

  #start(payload: Payload, restored?: boolean): void {
    this.#enter(received(payload.accessToken, payload.session.id), payload.user, restored)
    this.#announce()
  }

  #enter(access: AccessToken, user: User, restored = this.#state.status === 'restoring'): void {
    const before = this.#access
    const isNew = before?.sessionId !== access.sessionId
    if (isNew) {
      if (before) this.#endedSessions.add(before.sessionId)
      this.#startEpoch()
      this.#pendingLogout = undefined
    }
    this.#access = access
    this.#signedInAs(user)
    // A listener may have signed out.
    if (this.#access !== access) return
    if (isNew) this.#parts.events.emit('signed-in', { user, restored })
    else if (before.text !== access.text) this.#parts.events.emit('refreshed', { user })
  }

  #end(announce: boolean, revoked: boolean): AbortSignal {
    const { sessionId } = this
    const { user } = this.#state
    const epoch = this.#startEpoch()
    if (sessionId !== undefined) this.#endedSessions.add(sessionId)
    this.#access = undefined
    this.#become(SIGNED_OUT)
    if (announce) this.#channel?.send({ type: 'ended', sessionId, revoked })
    if (user) this.#parts.events.emit(revoked ? 'session-revoked' : 'signed-out', { user })
    return epoch
  }

  #startEpoch(): AbortSignal {
    this.#epoch.abort()
    this.#epoch = new AbortController()
    this.#refreshing = undefined
    return this.#epoch.signal
  }

  #signedInAs(user: User): void {
    const strength = this.#access && strengthOf(this.#access)
    this.#become({ status: 'signedIn', user, ...(strength && { strength }) })
  }

  #become(state: AuthState): void {
    if (JSON.stringify(state) === JSON.stringify(this.#state) && state.error === this.#state.error) return
    this.#state = state
    for (const listener of this.#listeners) {
      // If a listener signed in or out, every listener has already received the newer state.
      if (this.#state !== state) return
      try {
        listener(state.user, state)
      } catch (error) {
        this.#parts.onError(error)
      }
    }
  }

  async #endSuperseded({ accessToken }: Payload): Promise<void> {
    try {
      await this.#parts.post(Logout, { input: null }, { token: accessToken, credentials: 'omit' })
    } catch (error) {
      this.#parts.onError(error)
    }
  }

  /** Joins on first use, so that a client that is only created, as during server rendering, opens nothing. */
  #join(): void {
    this.#channel ??= joinChannel(this.#parts.channelName, message => this.#receive(message))
  }

  #announce(): void {
    const { user } = this.#state
    if (!this.#access || !user) return
    const { text: accessToken, sessionId } = this.#access
    this.#channel?.send({ type: 'session', sessionId, user, accessToken, leftMs: leftMs(this.#access) })
  }

  #receive(message: Message): void {
    if (message.type === 'recheck') return void this.#recheckHere()
    if (message.type !== 'session' && message.type !== 'ended') return
    const { sessionId } = message
    if (message.type === 'ended') {
      if (sessionId !== undefined) this.#endedSessions.add(sessionId)
      const isCurrent = sessionId === undefined || sessionId === this.sessionId
      if (isCurrent && this.#state.status !== 'signedOut') this.#end(false, message.revoked === true)
      return
    }
    if (this.#endedSessions.has(message.sessionId)) return
    const { accessToken, user } = message
    const theirs = received(accessToken, message.sessionId, message.leftMs)
    const mine = this.#access?.sessionId === theirs.sessionId ? this.#access : undefined
    this.#enter(mine && leftMs(mine) > leftMs(theirs) ? mine : theirs, user)
  }
}
