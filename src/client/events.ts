import type { User } from './types.ts'

/** What can happen to the session, here or in another tab. */
export type AuthEvents = {
  /** A user signed in. `restored` says that the session is an earlier one, resumed at startup. */
  'signed-in': { readonly user: User; readonly restored: boolean }
  /** The session has a new access token, with the user's current roles. */
  refreshed: { readonly user: User }
  /** The user signed out, ended all sessions or deleted the account. */
  'signed-out': { readonly user: User }
  /** The server ended the session: it expired or was revoked, or the account was disabled. */
  'session-revoked': { readonly user: User }
}

export type AuthEvent = keyof AuthEvents

type Listener = (detail: never) => void

/** The listeners of one client. A listener that throws stops neither the client nor the others. */
export class Events {
  readonly #listeners = new Map<AuthEvent, Set<Listener>>()
  readonly #onError: (error: unknown) => void

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError
  }

  on<Name extends AuthEvent>(name: Name, listener: (detail: AuthEvents[Name]) => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, listeners.add(listener))
    return () => void listeners.delete(listener)
  }

  emit<Name extends AuthEvent>(name: Name, detail: AuthEvents[Name]): void {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        listener(detail as never)
      } catch (error) {
        this.#onError(error)
      }
    }
  }
}
