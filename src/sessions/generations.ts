import type { Session } from '../generated/prisma/client.ts'

/** For this long, a repeated token is no attack: two tabs may refresh at the same time, or a client may retry. */
export const RACE_SECONDS = 30
/**
 * For this long after a step-up, the previous token gets nothing, even if no request shows that the tokens of the
 * step-up have arrived: they may be on their way.
 */
const STEP_UP_SECONDS = 10
/** How far apart two replicas may read the database's time. */
const READING_SECONDS = 1

type Generations = Pick<
  Session,
  'generation' | 'generationSeenAt' | 'burnedFrom' | 'burnedTo' | 'rotatedAt' | 'proofGeneration'
>

/**
 * What an authentic refresh token tells about its session:
 *
 * - `current`: the token is the latest one. The session advances to the next generation.
 * - `raced`: two requests sent the token at about the same time. Both receive the same successor.
 * - `steppedUp`: as `raced`, but the other request was a step-up. Its tokens are only for the client that proved who
 *   uses it, so the sender receives none.
 * - `lost`: no request shows that a successor ever reached the client. The client receives a new one, and the
 *   generations in between are burned.
 * - `ahead`: the database has lost the rotation, for example after a failover or when a backup was restored.
 * - `reused`: two holders use the session (RFC 9700, section 4.14.2).
 */
export type Standing = 'current' | 'raced' | 'steppedUp' | 'lost' | 'ahead' | 'reused'

/** The standing of the token of `generation` at `now`. */
export function standingOf(session: Generations, generation: number, now: Date): Standing {
  if (generation === session.generation) return 'current'
  if (generation > session.generation) return 'ahead'
  if (generation !== parentOf(session)) return 'reused'
  if (isRace(session, now)) return standingInRace(session, now)
  // If its successor has been used, the client no longer sends this token: the sender has a copy.
  return session.generationSeenAt ? 'reused' : 'lost'
}

function standingInRace(session: Generations, now: Date): Standing {
  if (session.proofGeneration !== session.generation) return 'raced'
  return session.generationSeenAt || ageSecondsOf(session, now) < STEP_UP_SECONDS ? 'steppedUp' : 'lost'
}

/** For how many seconds, at most, a token whose standing is `steppedUp` keeps it. */
export function steppedUpForSeconds(session: Generations, now: Date): number {
  const seconds = session.generationSeenAt ? RACE_SECONDS : STEP_UP_SECONDS
  return Math.max(1, Math.ceil(seconds - ageSecondsOf(session, now)))
}

/**
 * The generation whose token was exchanged for the current one. Until an access token of the current generation is
 * used, it is the latest generation that the client has certainly received.
 */
export function parentOf({ generation, burnedFrom, burnedTo }: Generations): number {
  return burnedFrom !== null && burnedTo === generation - 1 ? burnedFrom - 1 : generation - 1
}

/** Whether a late repeat burned this generation. If its tokens are used after that, two holders use the session. */
export function isBurned({ burnedFrom, burnedTo }: Generations, generation: number): boolean {
  return burnedFrom !== null && burnedTo !== null && burnedFrom <= generation && generation <= burnedTo
}

/** A rotation in the future happened before the clock was set back. Treating it as a race would never end. */
function isRace(session: Generations, now: Date): boolean {
  const ageSeconds = ageSecondsOf(session, now)
  return -READING_SECONDS <= ageSeconds && ageSeconds < RACE_SECONDS
}

/** How long ago the session was rotated. */
function ageSecondsOf({ rotatedAt }: Generations, now: Date): number {
  return rotatedAt ? (now.getTime() - rotatedAt.getTime()) / 1000 : Number.POSITIVE_INFINITY
}
