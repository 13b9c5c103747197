import type { App } from '../app.ts'
import type { RequestInfo, Viewer } from '../context.ts'
import { statement } from '../database/client.ts'
import { unauthenticated } from '../errors.ts'
import type { Session } from '../generated/prisma/client.ts'
import { verifyAccessToken } from '../keys/access-token.ts'
import { findSession, type SessionWithAccount } from './find-session.ts'
import { isBurned } from './generations.ts'
import { endSharedSession } from './two-holders.ts'

/** `lastUsedAt` may lag by this much: a write with every request would cost more than it tells. */
const TOUCH_INTERVAL_SECONDS = 60

/**
 * The viewer behind an access token. The session is looked up with every request, so revocations and changes of
 * roles take effect immediately. An access token of a burned generation shows that two holders use the session,
 * which ends.
 * @throws AuthError UNAUTHENTICATED, with the reason INVALID, EXPIRED or REVOKED
 */
export async function authenticate(app: App, bearerToken: string, request: RequestInfo): Promise<Viewer> {
  const { sid, sub, gen } = verifyAccessToken(app, bearerToken)
  const found = await findSession(app, sid)
  if (!found || found.account.id !== sub) throw unauthenticated('REVOKED')
  const { session, account } = found
  const ended = endReasonOf(found, app.clock.now())
  if (ended) throw unauthenticated(ended)
  if (isBurned(session, gen) || (await touch(app, session, gen)) === 'burned') {
    await endSharedSession(app, found, { kind: 'access', generation: gen }, request)
    throw unauthenticated('REVOKED')
  }
  return { account, via: { kind: 'session', session } }
}

/** Why the session is over, or undefined while it is live. */
export function endReasonOf(
  { session, account }: SessionWithAccount,
  now: Date,
): 'REVOKED' | 'EXPIRED' | undefined {
  if (session.revokedAt || account.disabledAt) return 'REVOKED'
  return session.expiresAt <= now ? 'EXPIRED' : undefined
}

const markUsed = statement<[burned: boolean]>(
  'session-touch',
  `UPDATE sessions SET last_used_at = greatest(last_used_at, $2),
     generation_seen_at = CASE WHEN generation = $3 THEN coalesce(generation_seen_at, $2) ELSE generation_seen_at END
   WHERE id = $1
   RETURNING coalesce($3 BETWEEN burned_from AND burned_to, false)`,
)

/**
 * Records that the session is in use, and that the client has received the current generation: from then on the
 * refresh token before it is spent. Returns whether a late repeat burned the generation first.
 */
async function touch(app: App, session: Session, generation: number): Promise<'burned' | 'live'> {
  const now = app.clock.now()
  const unseen = generation > 0 && generation === session.generation && !session.generationSeenAt
  const idleSeconds = (now.getTime() - session.lastUsedAt.getTime()) / 1000
  if (!unseen && idleSeconds < TOUCH_INTERVAL_SECONDS) return 'live'
  const [row] = await markUsed(app.pool, [session.id, now, generation])
  return row?.[0] ? 'burned' : 'live'
}
