import type { App } from '../app.ts'
import type { RequestInfo, Viewer } from '../context.ts'
import { statement } from '../database/client.ts'
import { unauthenticated } from '../errors.ts'
import type { Session } from '../generated/prisma/client.ts'
import type { AccessClaims } from '../keys/access-token.ts'
import { findSession } from './find-session.ts'
import { isBurned } from './generations.ts'
import { requireImpersonator } from './impersonation.ts'
import { endReasonOf } from './live.ts'
import { endSharedSession } from './two-holders.ts'

/** How far `lastUsedAt` may lag behind. A write with every request would cost too much. */
const TOUCH_INTERVAL_SECONDS = 60

/**
 * The viewer whose access token has these claims. Every request looks up the session, so revocations and role changes take
 * effect immediately. An access token of a burned generation proves that two holders use the session, and ends it.
 * @throws AuthError UNAUTHENTICATED with the reason EXPIRED or REVOKED
 */
export async function authenticateSession(
  app: App,
  { sid, sub, gen, acr }: AccessClaims,
  request: RequestInfo,
): Promise<Viewer> {
  const found = await findSession(app, sid)
  if (!found || found.account.id !== sub) throw unauthenticated('REVOKED')
  const { session, account } = found
  const ended = endReasonOf(found, app.clock.now())
  if (ended) throw unauthenticated(ended)
  if (isBurned(session, gen) || (await touch(app, session, gen)) === 'burned') {
    await endSharedSession(app, found, { kind: 'access', generation: gen }, request)
    throw unauthenticated('REVOKED')
  }
  const via = { kind: 'session', session, accessToken: { generation: gen, acr } } as const
  if (session.actorSessionId === null) return { account, via }
  const impersonator = await requireImpersonator(app, session.actorSessionId, account)
  request.impersonatorId = impersonator.id
  return { account, via, impersonator }
}

const markUsed = statement<[burned: boolean]>(
  'session-touch',
  `UPDATE sessions SET last_used_at = greatest(last_used_at, $2),
     generation_seen_at = CASE WHEN generation = $3 THEN coalesce(generation_seen_at, $2) ELSE generation_seen_at END
   WHERE id = $1
   RETURNING coalesce($3 BETWEEN burned_from AND burned_to, false)`,
)

/**
 * Records that the session is in use and that the client has received the current generation, which makes the previous
 * refresh token unusable. Returns `burned` if a late repeat of that token has burned the generation in the meantime.
 */
async function touch(app: App, session: Session, generation: number): Promise<'burned' | 'live'> {
  const now = app.clock.now()
  const unseen = generation > 0 && generation === session.generation && !session.generationSeenAt
  const idleSeconds = (now.getTime() - session.lastUsedAt.getTime()) / 1000
  if (!unseen && idleSeconds < TOUCH_INTERVAL_SECONDS) return 'live'
  const [row] = await markUsed(app.pool, [session.id, now, generation])
  return row?.[0] ? 'burned' : 'live'
}
