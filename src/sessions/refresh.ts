import type { App } from '../app.ts'
import { addSeconds, earlier } from '../clock.ts'
import type { RequestFacts, Viewer } from '../context.ts'
import { statement } from '../database/client.ts'
import { AuthError } from '../errors.ts'
import type { Session } from '../generated/prisma/client.ts'
import { queueNotice } from '../mail/notices.ts'
import { whyEnded } from './authenticate.ts'
import { findSession } from './find.ts'
import { isLive } from './live.ts'
import { noticeTo, originOf } from './notice.ts'
import { isAuthentic, parseRefreshToken } from './refresh-token.ts'
import { revokeSession } from './revoke.ts'

/** Two tabs that refresh at once, or a client that repeats a request, are not an attack. */
const GRACE_SECONDS = 30
/** How long a client that never received the successor may still ask for it. */
const LOST_ANSWER_SECONDS = 86_400

/**
 * Exchanges a refresh token for its successor: the session returned is at the successor's generation.
 *
 * - The current token moves the session on, by one guarded UPDATE.
 * - The one before it gets the same successor again while that was made under 30 s ago, or within 24 h
 *   while nothing shows that the client ever received it.
 * - Anything older is a copy that somebody kept (RFC 9700, section 4.14.2): the session ends.
 * @throws AuthError REFRESH_TOKEN_INVALID
 */
export async function refreshSession(app: App, text: string, request: RequestFacts): Promise<Viewer> {
  const token = parseRefreshToken(text)
  if (!token) throw invalid('malformed')
  // Each round that does not return has seen the generation grow, so a third is never needed for an
  // honest client; the bound only keeps a flood from spinning.
  for (let round = 0; round < 5; round++) {
    const found = await findSession(app, token.sessionId)
    if (!found || !isAuthentic(app, found.session, token)) throw invalid('unknown')
    const now = app.clock.now()
    const ended = whyEnded(found, now)
    if (ended) throw invalid(ended.toLowerCase())
    const age = found.session.generation - token.generation
    if (age === 0) {
      const rotated = await rotate(app, found.session, now, request)
      if (rotated) return { ...found, session: rotated }
      continue
    }
    if (age === 1 && mayRepeat(found.session, now)) return found
    await endReused(app, found, token.generation, request)
    throw invalid('reused')
  }
  throw invalid('contended')
}

/** Ends a session whose spent token came back, and tells its owner which one it was. */
async function endReused(
  app: App,
  { session, account }: Viewer,
  generation: number,
  request: RequestFacts,
): Promise<void> {
  await app.db.$transaction(async tx => {
    const ended = await revokeSession(
      app,
      session,
      { action: 'session.reuse_detected', request, detail: { generation } },
      tx,
    )
    if (!ended) return
    await queueNotice(app, tx, account, noticeTo(app, account, 'reuse-detected', originOf(app, session)))
  })
}

function invalid(cause: string): AuthError {
  return new AuthError('REFRESH_TOKEN_INVALID', { cause })
}

function mayRepeat({ rotatedAt, generationSeenAt }: Session, now: Date): boolean {
  if (!rotatedAt) return false
  const ageSeconds = (now.getTime() - rotatedAt.getTime()) / 1000
  return ageSeconds < GRACE_SECONDS || (!generationSeenAt && ageSeconds < LOST_ANSWER_SECONDS)
}

const moveOn = statement(
  'session-rotate',
  `UPDATE sessions s SET generation = generation + 1, rotated_at = $3, last_used_at = $3, generation_seen_at = NULL,
     expires_at = $4, ip_address = $5, user_agent = $6
   FROM users u WHERE s.id = $1 AND generation = $2 AND u.id = s.user_id AND ${isLive('$3')}
   RETURNING s.id`,
)

/** The session moved on by one generation, or undefined when somebody else was first. */
async function rotate(
  app: App,
  session: Session,
  now: Date,
  request: RequestFacts,
): Promise<Session | undefined> {
  const { ipAddress = null, userAgent = null } = request
  const idleEnd = addSeconds(now, session.idleTtlSeconds)
  const expiresAt = earlier(idleEnd, session.absoluteExpiresAt)
  const hits = await moveOn(app.pool, [session.id, session.generation, now, expiresAt, ipAddress, userAgent])
  if (hits.length === 0) return undefined
  return {
    ...session,
    generation: session.generation + 1,
    rotatedAt: now,
    lastUsedAt: now,
    generationSeenAt: null,
    expiresAt,
    ipAddress,
    userAgent,
  }
}
