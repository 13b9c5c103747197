import { type AccessToken, isBound, isFresh, leftMs, sessionOf } from './access-token.ts'
import { AuthError } from './errors.ts'
import { dataOf, persistently, sleep } from './http.ts'
import { Me, Refresh } from './operations.ts'
import { type Payload, RESTORING, SessionState } from './session-state.ts'
import type { User } from './types.ts'
import { warnOfKey } from './warn-of-key.ts'

/** How long a message from the tab that just finished its turn may take. */
export const MESSAGE_DELAY_MS = 100
/** How often the stored token may change during an exchange before the exchange fails. */
const MAX_ROUNDS = 5

/** Renews the access token of a session. Exchanges take turns, across tabs too. */
export class SessionRenewal extends SessionState {
  #refreshing: Promise<void> | undefined

  /**
   * An access token that will still be valid when it reaches the server; null when signed out.
   * @throws AuthError, NetworkError if there is no valid token and the server issues none
   */
  async token(): Promise<string | null> {
    const { access } = this
    if (access && isFresh(access)) return access.text
    try {
      // If another user has signed in during the exchange, their token is right: nothing has been sent yet.
      return (await this.renew(access?.text)) ?? this.accessToken ?? null
    } catch (error) {
      if (access && access === this.access && leftMs(access) > 0) return access.text
      throw error
    }
  }

  /**
   * Replaces the token `stale`. Concurrent calls share one exchange. Null if the session of `stale` has ended
   * or been replaced: an operation that began in it must not be repeated as another user.
   */
  async renew(stale: string | undefined): Promise<string | null> {
    this.join()
    while (this.state.status !== 'signedOut') {
      if (this.closed) throw new Error('This client is closed. Create a new one.')
      const { access } = this
      if (access && access.text !== stale) {
        const staleSession = stale === undefined ? undefined : sessionOf(stale)
        return staleSession === undefined || staleSession === access.sessionId ? access.text : null
      }
      this.#refreshing ??= this.#refresh()
      await this.#refreshing
    }
    return null
  }

  protected override startEpoch(): AbortSignal {
    const epoch = super.startEpoch()
    this.#refreshing = undefined
    return epoch
  }

  #refresh(): Promise<void> {
    const { epoch, access: before } = this
    const run = this.parts
      .turns(async waited => {
        if (waited) await this.#awaitMessage(epoch, before)
        if (epoch.aborted || this.access !== before) return
        for (let round = 0; round < MAX_ROUNDS; round++) {
          if (await persistently(epoch, () => this.#exchange(epoch))) return
        }
        throw new Error('The stored refresh token kept changing. Create only one client for each storage.')
      })
      .catch(error => {
        if (epoch.aborted) return
        if (this.state.status === 'restoring') this.become({ ...RESTORING, error })
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
    for (let ms = 0; ms < MESSAGE_DELAY_MS && this.access === before; ms += step) await sleep(step, epoch)
  }

  /** Runs one exchange. Returns false if the stored token changed during it: the caller tries the new one. */
  async #exchange(epoch: AbortSignal): Promise<boolean> {
    const { post, tokens, given, proofs } = this.parts
    if (given !== undefined && this.state.status === 'restoring') return this.#useGiven(given, epoch)
    const sent = await tokens.read()
    const key = await proofs.read()
    if (epoch.aborted) return true
    if (sent === null) return this.#forget()
    const input = sent === undefined ? null : { refreshToken: sent }
    const answer = await post<{ refreshToken: Payload }>(Refresh, { input }, { signal: epoch, key })
    const kept = await tokens.read()
    if (epoch.aborted) return true
    try {
      const { refreshToken: payload } = dataOf(answer)
      if (kept !== sent && kept !== payload.refreshToken) return false
      if (this.hasEnded(payload.session.id)) return this.#forget()
      if (payload.accessToken === this.accessToken)
        throw new Error('The server returned the same access token again instead of a new one.')
      // Stored before use: once the server sees the new access token, it treats the old refresh token as stolen.
      await tokens.write(payload.refreshToken)
      if (!epoch.aborted) this.start(payload)
      return true
    } catch (error) {
      if (!(error instanceof AuthError) || error.code !== 'REFRESH_TOKEN_INVALID') throw error
      if (kept !== sent) return false
      if (error.reason === 'DPOP_INVALID') warnOfKey('lost')
      await tokens.remove()
      return epoch.aborted || this.#forget()
    }
  }

  /** Starts the session of the token that was given. Nothing renews it. */
  async #useGiven(accessToken: string, epoch: AbortSignal): Promise<true> {
    try {
      const answer = await this.parts.post<{ me: User }>(Me, {}, { token: accessToken, signal: epoch })
      const { me: user } = dataOf(answer)
      const session = { id: sessionOf(accessToken) ?? '', boundToKey: isBound(accessToken) }
      if (!epoch.aborted) this.start({ accessToken, refreshToken: null, session, user })
      return true
    } catch (error) {
      if (!(error instanceof AuthError) || error.code !== 'UNAUTHENTICATED') throw error
      return epoch.aborted || this.#forget()
    }
  }

  /** Forgets a session that the server has ended. Notifies other tabs only if its ID is known. */
  #forget(): true {
    this.end(this.sessionId !== undefined, true)
    return true
  }
}
