import { useSyncExternalStore } from 'react'
import { client } from './client.ts'
import { useHistoryMessage } from './history-message.ts'
import { pageChannel } from './page-channel.ts'

/** History state that tells the sign-in page how the visitor got there. */
export type SignInArrival = { signedOut?: boolean; signOutFailed?: boolean; deleted?: boolean } | null

const isArrival = (state: object) => 'signedOut' in state || 'signOutFailed' in state || 'deleted' in state

/** How the visitor got to the sign-in page. */
export function useArrival(): SignInArrival {
  return useHistoryMessage<NonNullable<SignInArrival>>(isArrival)
}

type Navigate = (to: string, options: { state: SignInArrival }) => void

let signingOut = false
let signedOutElsewhere = false
const listeners = new Set<() => void>()
const otherTabs = pageChannel('sign-out', () => {
  signedOutElsewhere = true
  tell()
})
let wasSignedOut = false
client.onChange((_user, { status }) => {
  // The next session of this tab is not the one that was signed out.
  if (wasSignedOut && status === 'signedIn') signedOutElsewhere = false
  wasSignedOut = status === 'signedOut'
  tell()
})

/** Whether this tab is ending its own session, as opposed to finding it ended. */
export function useIsSigningOut(): boolean {
  return useSyncExternalStore(subscribe, () => signingOut)
}

/** Whether the visitor signed out in another tab, as opposed to the server ending the session. */
export function useIsSignedOutElsewhere(): boolean {
  return useSyncExternalStore(subscribe, () => signedOutElsewhere)
}

/** Signs out and opens the sign-in page, which says whether that worked. */
export async function signOut(navigate: Navigate): Promise<void> {
  let arrival: SignInArrival = { signedOut: true }
  await whileSigningOut(async () => {
    try {
      const ended = client.logout()
      // Before the server answers, because the session is already forgotten in every tab.
      otherTabs.send()
      await ended
    } catch {
      arrival = { signOutFailed: true }
    }
    navigate('/sign-in', { state: arrival })
  })
}

/** Runs an operation that ends the session of this tab, and tells the other tabs once it has. */
export async function whileSigningOut(run: () => Promise<void>): Promise<void> {
  setSigningOut(true)
  try {
    await run()
    otherTabs.send()
  } finally {
    setSigningOut(false)
  }
}

function setSigningOut(now: boolean): void {
  signingOut = now
  tell()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

function tell(): void {
  for (const listener of listeners) listener()
}
