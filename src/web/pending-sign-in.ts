import { useSyncExternalStore } from 'react'
import type { LoginResult, SecondFactor, SecondFactorSetup, SignedIn } from '../client/index.ts'

/** A sign-in that needs a further step, or one whose last step still has something to show. */
export type PendingSignIn = SecondFactor | SecondFactorSetup

let pending: PendingSignIn | undefined
/** Whether the account has just signed in with a password and could have a passkey. */
let suggestion: SignedIn['passkeySuggestion'] = 'NONE'
const listeners = new Set<() => void>()

function set(next: PendingSignIn | undefined): void {
  pending = next
  for (const listener of listeners) listener()
}

/** Continues with the outcome of any way to sign in. */
export function continueSignIn(result: LoginResult): void {
  if (result.status === 'signedIn') suggestion = result.passkeySuggestion
  set(result.status === 'signedIn' ? undefined : result)
}

/** Leaves the pending step. */
export function endPendingSignIn(): void {
  set(undefined)
}

/**
 * The step that the page must show. It stays while the last step has something to show although the session has started,
 * such as recovery codes.
 */
export function usePendingSignIn(): PendingSignIn | undefined {
  return useSyncExternalStore(
    listener => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    () => pending,
    () => undefined,
  )
}

export function passkeySuggestion(): SignedIn['passkeySuggestion'] {
  return suggestion
}
