import { client } from './client.ts'

/** What the sign-in page is told of how its visitor came there. */
export type Arrival = { signedOut?: boolean; signOutFailed?: boolean; deleted?: boolean } | null

type Navigate = (to: string, options: { state: Arrival }) => void

let leaving = false

/** Whether the visitor is going, rather than being signed out. */
export function isLeaving(): boolean {
  return leaving
}

/** Signs out, and opens the sign-in page with how it went. */
export async function leave(navigate: Navigate): Promise<void> {
  let arrival: Arrival = { signedOut: true }
  await whileSigningOut(async () => {
    try {
      await client.logout()
    } catch {
      arrival = { signOutFailed: true }
    }
    navigate('/sign-in', { state: arrival })
  })
}

/** Runs what ends the own session. */
export async function whileSigningOut(run: () => Promise<void>): Promise<void> {
  leaving = true
  try {
    await run()
  } finally {
    leaving = false
  }
}
