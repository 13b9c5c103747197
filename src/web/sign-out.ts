import { useSyncExternalStore } from 'react'
import { client } from './client.ts'

/** History state that tells the sign-in page how the visitor got there. */
export type SignInArrival = { signedOut?: boolean; signOutFailed?: boolean; deleted?: boolean } | null

type Navigate = (to: string, options: { state: SignInArrival }) => void

let signingOut = false
const listeners = new Set<() => void>()

/** Whether this tab is ending its own session, as opposed to finding it ended. */
export function useIsSigningOut(): boolean {
  return useSyncExternalStore(
    listener => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => signingOut,
  )
}

/** Signs out and opens the sign-in page, which says whether that worked. */
export async function signOut(navigate: Navigate): Promise<void> {
  let arrival: SignInArrival = { signedOut: true }
  await whileSigningOut(async () => {
    try {
      await client.logout()
    } catch {
      arrival = { signOutFailed: true }
    }
    navigate('/sign-in', { state: arrival })
  })
}

/** Runs an operation that ends the session of this tab. */
export async function whileSigningOut(run: () => Promise<void>): Promise<void> {
  setSigningOut(true)
  try {
    await run()
  } finally {
    setSigningOut(false)
  }
}

function setSigningOut(now: boolean): void {
  signingOut = now
  for (const listener of listeners) listener()
}
