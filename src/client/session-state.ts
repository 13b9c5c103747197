import { type AccessToken, impersonatorOf, leftMs, received, strengthOf } from './access-token.ts'
import type { Events } from './events.ts'
import type { PayloadFieldsFragment } from './generated/operations.ts'
import type { Post } from './http.ts'
import type { Proofs } from './proofs.ts'
import type { RefreshTokens } from './storage.ts'
import { type Channel, joinChannel, type Message, NO_CHANNEL } from './tabs.ts'
import type { Turns } from './turns.ts'
import type { AuthState, User } from './types.ts'

export type Payload = PayloadFieldsFragment
export type SessionParts = {
  post: Post
  tokens: RefreshTokens
  proofs: Proofs
  /** The access token of a session that cannot be refreshed. */
  given?: string | undefined
  turns: Turns
  /** The channel to clients with the same session; undefined if no other client can have it. */
  channelName: string | undefined
  /** Fetches the user anew, which notices a session that the server has ended. */
  reload: () => Promise<unknown>
  events: Events
  onError: (error: unknown) => void
}

export const RESTORING: AuthState = { status: 'restoring', user: undefined, error: undefined }
const SIGNED_OUT: AuthState = { status: 'signedOut', user: null }

/**
 * What this client knows of its session, which it tells its listeners and the clients in other tabs. Each sign-in and
 * sign-out starts a new epoch; answers from an earlier epoch are discarded.
 */
export class SessionState {
  protected readonly parts: SessionParts
  access: AccessToken | undefined
  /** Ends the signed-out session on the server. Kept until the server has confirmed it. */
  protected pendingLogout: (() => Promise<unknown>) | undefined
  protected closed = false
  readonly #listeners = new Set<(user: User | null | undefined, state: AuthState) => void>()
  /** IDs of sessions that ended here. Late messages about them must not restore them. */
  readonly #endedSessions = new Set<string>()
  #state = RESTORING
  #boundToKey: boolean | undefined
  #epoch = new AbortController()
  #channel: Channel | undefined

  constructor(parts: SessionParts) {
    this.parts = parts
  }

  get state(): AuthState {
    return this.#state
  }

  get sessionId(): string | undefined {
    return this.access?.sessionId
  }

  /** The current token, even if it has expired. */
  get accessToken(): string | undefined {
    return this.access?.text
  }

  onChange(listener: (user: User | null | undefined, state: AuthState) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Updates the user from an answer, unless another user has signed in since. */
  update(user: User): void {
    if (this.#state.user?.id !== user.id) return
    this.#signedInAs(user)
    this.#announce()
  }

  /**
   * Asks the server whether the session is still active, here and in the other tabs. Call it after an operation
   * that may have ended sessions. If the server cannot be reached, the session stays.
   */
  async recheck(): Promise<void> {
    this.join()
    this.#channel?.send({ type: 'recheck' })
    await this.#recheckHere()
  }

  close(): void {
    this.closed = true
    this.startEpoch()
    this.#channel?.close()
    this.#channel = NO_CHANNEL
  }

  /** Aborted when the next epoch starts. */
  protected get epoch(): AbortSignal {
    return this.#epoch.signal
  }

  protected startEpoch(): AbortSignal {
    this.#epoch.abort()
    this.#epoch = new AbortController()
    return this.epoch
  }

  /** Joins on first use, so that a client that is only created, as during server rendering, opens nothing. */
  protected join(): void {
    this.#channel ??= joinChannel(this.parts.channelName, message => this.#receive(message))
  }

  protected start(payload: Payload, restored?: boolean): void {
    const { accessToken, session, user } = payload
    this.#enter(received(accessToken, session.id), user, session.boundToKey, restored)
    this.#announce()
  }

  protected end(announce: boolean, revoked: boolean): AbortSignal {
    const { sessionId } = this
    const { user } = this.#state
    const epoch = this.startEpoch()
    if (sessionId !== undefined) this.#endedSessions.add(sessionId)
    this.access = undefined
    this.become(SIGNED_OUT)
    if (announce) this.#channel?.send({ type: 'ended', sessionId, revoked })
    if (user) this.parts.events.emit(revoked ? 'session-revoked' : 'signed-out', { user })
    return epoch
  }

  protected hasEnded(sessionId: string): boolean {
    return this.#endedSessions.has(sessionId)
  }

  protected become(state: AuthState): void {
    if (JSON.stringify(state) === JSON.stringify(this.#state) && state.error === this.#state.error) return
    this.#state = state
    for (const listener of this.#listeners) {
      // If a listener signed in or out, every listener has already received the newer state.
      if (this.#state !== state) return
      try {
        listener(state.user, state)
      } catch (error) {
        this.parts.onError(error)
      }
    }
  }

  #enter(
    access: AccessToken,
    user: User,
    boundToKey: boolean | undefined,
    restored = this.#state.status === 'restoring',
  ): void {
    const before = this.access
    const isNew = before?.sessionId !== access.sessionId
    if (isNew) {
      if (before) this.#endedSessions.add(before.sessionId)
      this.startEpoch()
      this.pendingLogout = undefined
    }
    this.access = access
    this.#boundToKey = boundToKey
    this.#signedInAs(user)
    // A listener may have signed out.
    if (this.access !== access) return
    if (isNew) this.parts.events.emit('signed-in', { user, restored })
    else if (before.text !== access.text) this.parts.events.emit('refreshed', { user })
  }

  #signedInAs(user: User): void {
    const strength = this.access && strengthOf(this.access)
    const impersonatorId = this.access && impersonatorOf(this.access)
    this.become({
      status: 'signedIn',
      user,
      ...(strength && { strength }),
      ...(impersonatorId && { impersonatorId }),
      boundToKey: this.#boundToKey,
    })
  }

  async #recheckHere(): Promise<void> {
    if (this.#state.status === 'signedIn') await this.parts.reload().catch(this.parts.onError)
  }

  #announce(): void {
    const { user } = this.#state
    if (!this.access || !user) return
    const { text: accessToken, sessionId } = this.access
    this.#channel?.send({
      type: 'session',
      sessionId,
      user,
      accessToken,
      leftMs: leftMs(this.access),
      boundToKey: this.#boundToKey,
    })
  }

  #receive(message: Message): void {
    if (message.type === 'recheck') return void this.#recheckHere()
    if (message.type !== 'session' && message.type !== 'ended') return
    const { sessionId } = message
    if (message.type === 'ended') {
      if (sessionId !== undefined) this.#endedSessions.add(sessionId)
      const isCurrent = sessionId === undefined || sessionId === this.sessionId
      if (isCurrent && this.#state.status !== 'signedOut') this.end(false, message.revoked === true)
      return
    }
    if (this.hasEnded(message.sessionId)) return
    const { accessToken, user, boundToKey } = message
    const theirs = received(accessToken, message.sessionId, message.leftMs)
    const mine = this.access?.sessionId === theirs.sessionId ? this.access : undefined
    this.#enter(mine && leftMs(mine) > leftMs(theirs) ? mine : theirs, user, boundToKey)
  }
}
