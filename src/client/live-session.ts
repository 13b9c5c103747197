import { AuthError } from './errors.ts'
import type { LoginMutation, LoginWithEmailMutation, RegisterMutation } from './generated/operations.ts'
import { dataOf, persistently, sleep } from './http.ts'
import { Logout } from './operations.ts'
import { MESSAGE_DELAY_MS, SessionRenewal } from './session-renewal.ts'
import type { Payload } from './session-state.ts'

export type SignInAnswer =
  | LoginMutation['login']
  | LoginWithEmailMutation['loginWithEmail']
  | RegisterMutation['register']

/** This client's session and its tokens. Sign-ins and sign-outs take turns with exchanges, across tabs too. */
export class LiveSession extends SessionRenewal {
  /** Counts sign-ins and sign-outs. A later one supersedes a sign-in that is still waiting for its answer. */
  #attempts = 0

  /** Sends a sign-in or registration and starts the session in its answer. */
  async signIn<Result extends SignInAnswer>(send: () => Promise<Result>): Promise<Result> {
    this.join()
    const attempt = ++this.#attempts
    // The sign-in must not wait for the repeats of an exchange whose session it is about to replace.
    this.startEpoch()
    return this.parts.turns(async () => {
      const answer = await send()
      if (answer.__typename !== 'AuthPayload') return answer
      const isLatest = () => attempt === this.#attempts
      if (isLatest()) {
        await this.parts.tokens.write(answer.refreshToken)
        // Refreshing would send proofs that count for nothing.
        if (!answer.session.boundToKey) await this.parts.proofs.remove()
      }
      if (!isLatest()) {
        await this.#endSuperseded(answer)
        throw new Error('A later sign-in or sign-out replaced this one.')
      }
      this.startEpoch()
      this.start(answer, false)
      return answer
    })
  }

  /**
   * Immediately forgets the session here and in the other tabs, then ends it on the server.
   * @throws NetworkError, AuthError if the server did not confirm the end
   */
  async signOut(): Promise<void> {
    this.join()
    this.#attempts++
    const { post, proofs, tokens, turns, onError } = this.parts
    const token = this.accessToken
    const epoch = this.end(true, false)
    await turns(async waited => {
      if (waited) await sleep(MESSAGE_DELAY_MS, epoch)
      // After a new sign-in, the cookie and the storage belong to the new session.
      const replaced = epoch.aborted
      const refreshToken = replaced ? undefined : await tokens.read().catch(onError)
      // Its key is about to be deleted.
      const key = await proofs.keyOf(token).catch(onError)
      if (!replaced) await tokens.remove()
      const input = refreshToken ? { refreshToken } : null
      if (token || !(this.pendingLogout || replaced || refreshToken === null))
        this.pendingLogout = async () =>
          dataOf(
            await post(
              Logout,
              { input },
              { token, key: key ?? undefined, keepalive: true, ...(replaced && { credentials: 'omit' }) },
            ),
          )
      const logout = this.pendingLogout
      if (!logout) return
      await persistently(new AbortController().signal, logout)
      if (this.pendingLogout === logout) this.pendingLogout = undefined
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
        return await this.parts.turns(async () => {
          const epoch = this.epoch
          // Another tab may have had its turn in the meantime.
          const data = await send(this.accessToken ?? token ?? '')
          const payload = payloadOf(data)
          if (epoch.aborted) return data
          await this.parts.tokens.write(payload.refreshToken)
          if (!epoch.aborted) this.start(payload)
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
    const epoch = this.end(true, false)
    await this.parts.turns(async () => {
      if (!epoch.aborted) await this.parts.tokens.remove()
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

  async #endSuperseded({ accessToken }: Payload): Promise<void> {
    try {
      await this.parts.post(Logout, { input: null }, { token: accessToken, credentials: 'omit' })
    } catch (error) {
      this.parts.onError(error)
    }
  }
}
