'use client'

import {
  createContext,
  createElement,
  type ReactNode,
  useContext,
  useEffect,
  useSyncExternalStore,
} from 'react'
import type { AuthClient } from './client.ts'
import { AuthError, NetworkError } from './errors.ts'
import type { AuthState, User } from './types.ts'

const ClientContext = createContext<AuthClient | undefined>(undefined)

/** While a server renders the page nobody knows who will see it. */
const UNKNOWN: AuthState = { status: 'restoring', user: undefined, error: undefined }

/**
 * Lets the components below use `client`, and takes up its session. Where the server cannot be reached, it
 * asks again: after a while, and as soon as the device is online.
 */
export function AuthProvider({ client, children }: { client: AuthClient; children?: ReactNode }): ReactNode {
  useEffect(() => restoreUntilKnown(client), [client])
  return createElement(ClientContext.Provider, { value: client }, children)
}

const FIRST_WAIT_MS = 1000
const LONGEST_WAIT_MS = 30_000
/** Timers overflow, and end at once, where a server asks for weeks. */
const LONGEST_ASKED_MS = 3_600_000

/** @returns what stops it */
function restoreUntilKnown(client: AuthClient): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  let waitMs = FIRST_WAIT_MS
  let stopped = false
  const attempt = () => {
    clearTimeout(timer)
    client.restore().catch((error: unknown) => {
      if (stopped) return
      const said = error instanceof AuthError || error instanceof NetworkError ? error : undefined
      const askedMs = (said?.retryAfterSeconds ?? 0) * 1000
      clearTimeout(timer)
      timer = setTimeout(attempt, Math.max(waitMs, Math.min(askedMs, LONGEST_ASKED_MS)))
      waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)
    })
  }
  attempt()
  // React Native has a window, but not one that events happen to.
  globalThis.window?.addEventListener?.('online', attempt)
  return () => {
    stopped = true
    clearTimeout(timer)
    globalThis.window?.removeEventListener?.('online', attempt)
  }
}

/** Who is signed in, and the client to sign in and out with. Renders again whenever that changes. */
export function useAuth(): AuthState & { client: AuthClient } {
  const client = useContext(ClientContext)
  if (!client) throw new Error('Put <AuthProvider client={…}> around the components that use the session.')
  const state = useSyncExternalStore(
    client.onChange,
    () => client.state,
    () => UNKNOWN,
  )
  return { ...state, client }
}

/** The signed-in user; null for nobody, undefined while that is not known yet. */
export function useUser(): User | null | undefined {
  return useAuth().user
}

export type RequireAuthProps = {
  /** Such as `users:read`. Without one, being signed in is enough. */
  permission?: string | undefined
  /** For whoever is not signed in or lacks the permission. */
  fallback?: ReactNode
  /** While it is not known yet. */
  loading?: ReactNode
  /** While it cannot be known, such as without a network; `loading` unless given. It is asked again and again. */
  failed?: ReactNode
  children?: ReactNode
}

/** Shows its children to whoever may see them. What is secret must be guarded by the server as well. */
export function RequireAuth(props: RequireAuthProps): ReactNode {
  const { permission, fallback, loading, failed = loading, children } = props
  const { status, user, error } = useAuth()
  if (status === 'restoring') return error === undefined ? loading : failed
  return user && (permission === undefined || user.permissions.includes(permission)) ? children : fallback
}
