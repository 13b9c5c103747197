'use client'

import {
  createContext,
  createElement,
  type ReactNode,
  useContext,
  useEffect,
  useMemo,
  useSyncExternalStore,
} from 'react'
import type { AuthClient } from './client.ts'
import { AuthError, NetworkError } from './errors.ts'
import { keepFresh } from './keep-fresh.ts'
import type { AuthState, AuthStrength, User } from './types.ts'
import { warn } from './warn.ts'

/** A server that renders the page does not know who will see it, unless the provider has a `user`. */
const UNKNOWN: AuthState = { status: 'restoring', user: undefined, error: undefined }

type Provided = { readonly client: AuthClient; readonly initial: AuthState }

const ProvidedContext = createContext<Provided | undefined>(undefined)

export type AuthProviderProps = {
  client: AuthClient
  /**
   * The user whom the page's server knows from the cookie (see `authograph-client/server`), or null for a visitor. Shown
   * while the server renders the page and until the client has restored the session itself.
   */
  user?: User | null | undefined
  /** Whether to keep the session of a visible page current, as `keepFresh` does. Default: true. */
  fresh?: boolean | undefined
  children?: ReactNode
}

/**
 * Provides `client` to the components below and restores its session. If the server cannot be reached, it
 * tries again after a delay and as soon as the device is online. The console has the reason of the first failure.
 */
export function AuthProvider({ client, user, fresh = true, children }: AuthProviderProps): ReactNode {
  useEffect(() => restoreUntilKnown(client), [client])
  useEffect(() => (fresh ? keepFresh(client) : undefined), [client, fresh])
  const provided = useMemo(() => ({ client, initial: stateOf(user) }), [client, user])
  return createElement(ProvidedContext.Provider, { value: provided }, children)
}

function stateOf(user: User | null | undefined): AuthState {
  if (user === undefined) return UNKNOWN
  return user ? { status: 'signedIn', user } : { status: 'signedOut', user }
}

const FIRST_WAIT_MS = 1000
const LONGEST_WAIT_MS = 30_000
/** A timer of several weeks overflows and fires immediately. */
const LONGEST_RETRY_AFTER_MS = 3_600_000

/** @returns a function that stops it */
function restoreUntilKnown(client: AuthClient): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  let waitMs = FIRST_WAIT_MS
  let stopped = false
  let failed = false
  const attempt = () => {
    clearTimeout(timer)
    client.restore().catch((error: unknown) => {
      if (stopped) return
      const refusal = error instanceof AuthError || error instanceof NetworkError ? error : undefined
      const askedMs = (refusal?.retryAfterSeconds ?? 0) * 1000
      if (!failed) warn(error instanceof Error ? error.message : String(error))
      failed = true
      clearTimeout(timer)
      timer = setTimeout(attempt, Math.max(waitMs, Math.min(askedMs, LONGEST_RETRY_AFTER_MS)))
      waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)
    })
  }
  attempt()
  // React Native has a window without events.
  globalThis.window?.addEventListener?.('online', attempt)
  return () => {
    stopped = true
    clearTimeout(timer)
    globalThis.window?.removeEventListener?.('online', attempt)
  }
}

/** The state of the session, and the client to sign in and out with. Renders again when the state changes. */
export function useAuth(): AuthState & { client: AuthClient } {
  const provided = useContext(ProvidedContext)
  if (!provided) throw new Error('useAuth needs <AuthProvider client={…}> around the component.')
  const { client, initial } = provided
  const state = useSyncExternalStore(
    client.onChange,
    () => client.state,
    () => initial,
  )
  const isUnknown = state.status === 'restoring' && state.error === undefined
  return { ...(isUnknown ? initial : state), client }
}

/** The signed-in user; null when signed out, undefined until the server has answered. */
export function useUser(): User | null | undefined {
  return useAuth().user
}

export type RequireAuthProps = {
  /** Such as `users:read`. If omitted, any signed-in user sees the children. */
  permission?: string | undefined
  /** The sign-in must have been at least this strong. */
  strength?: AuthStrength | undefined
  /** Shown to users whose sign-in was weaker, such as a form that calls `stepUp`. Default: `fallback`. */
  weak?: ReactNode
  /** Shown to users who are not signed in or lack the permission. */
  fallback?: ReactNode
  /** Shown until the server has answered. */
  loading?: ReactNode
  /** Shown while the server cannot be reached and the provider keeps trying. Default: `loading`. */
  failed?: ReactNode
  children?: ReactNode
}

/** Shows its children to users who may see them. The server must guard secrets as well. */
export function RequireAuth(props: RequireAuthProps): ReactNode {
  const { permission, strength, fallback, weak = fallback, loading, failed = loading, children } = props
  const state = useAuth()
  if (state.status === 'restoring') return state.error === undefined ? loading : failed
  const { user } = state
  if (!user || (permission !== undefined && !user.permissions.includes(permission))) return fallback
  return strength === undefined || rank(state.strength) >= rank(strength) ? children : weak
}

const STRENGTHS: readonly (AuthStrength | undefined)[] = ['SINGLE', 'MULTI', 'PHISHING_RESISTANT']

function rank(strength: AuthStrength | undefined): number {
  return STRENGTHS.indexOf(strength)
}
