import type { Session } from '../generated/prisma/client.ts'

/** Two tabs that refresh at the same time, or a client that repeats a request, are no attack. */
export const RACE_SECONDS = 30
/** How far two replicas' readings of the database's time may differ. */
const READING_SECONDS = 1

type Generations = Pick<Session, 'generation' | 'generationSeenAt' | 'burnedFrom' | 'burnedTo' | 'rotatedAt'>

/**
 * What an authentic refresh token means for its session:
 *
 * - `current`: the session moves on.
 * - `raced`: two requests carried the token at about the same time. Both get the same successor.
 * - `lost`: nothing shows that a successor ever arrived. The client gets a fresh one, and those that may have
 *   gone astray are burned.
 * - `ahead`: the database has lost the rotation (a restored backup, a failover), not the client.
 * - `reused`: two holders use the session (RFC 9700, section 4.14.2).
 */
export type Standing = 'current' | 'raced' | 'lost' | 'ahead' | 'reused'

/** The standing of the token of `generation` at `now`. */
export function standingOf(session: Generations, generation: number, now: Date): Standing {
  if (generation === session.generation) return 'current'
  if (generation > session.generation) return 'ahead'
  if (generation !== parentOf(session)) return 'reused'
  if (isRace(session, now)) return 'raced'
  // Once its successor was seen in use, a token that returns is a copy.
  return session.generationSeenAt ? 'reused' : 'lost'
}

/**
 * The generation whose token was exchanged for the current one. Until an access token of the current one is
 * seen, it is the confirmed generation: the newest that the client certainly received.
 */
export function parentOf({ generation, burnedFrom, burnedTo }: Generations): number {
  return burnedFrom !== null && burnedTo === generation - 1 ? burnedFrom - 1 : generation - 1
}

/** Whether a late repeat burned this generation: its tokens went to a second holder. */
export function isBurned({ burnedFrom, burnedTo }: Generations, generation: number): boolean {
  return burnedFrom !== null && burnedTo !== null && burnedFrom <= generation && generation <= burnedTo
}

/** A rotation that lies in the future was made before the clock was set back: such a race would never end. */
function isRace({ rotatedAt }: Generations, now: Date): boolean {
  if (!rotatedAt) return false
  const ageSeconds = (now.getTime() - rotatedAt.getTime()) / 1000
  return -READING_SECONDS <= ageSeconds && ageSeconds < RACE_SECONDS
}
