import type { App } from '../app.ts'
import type { RequestInfo } from '../context.ts'
import { type EndedAtProvider, verifyLogoutToken } from '../credentials/provider/logout-token.ts'
import { findProvider } from '../credentials/provider/provider.ts'
import { statement } from '../database/client.ts'
import { AuthError } from '../errors.ts'
import { revokeSession } from '../sessions/revoke.ts'
import { refuseProvider } from './refused-provider.ts'

/** More than SESSIONS_MAX allows an account. */
const SESSIONS_READ_MAX = 1000

type Row = [id: string, userId: string]

// A session that started later belongs to a later sign-in at the provider, so an announcement that is sent again ends
// nothing more.
const selectBySid = statement<Row>(
  'sessions-of-provider-sid',
  `SELECT s.id, s.user_id FROM sessions s JOIN identities i ON i.id = s.identity_id
   WHERE s.provider_sid = $2 AND i.issuer = $1 AND ($3::text IS NULL OR i.subject = $3)
     AND s.revoked_at IS NULL AND s.created_at <= $4 LIMIT ${SESSIONS_READ_MAX}`,
)

const selectBySubject = statement<Row>(
  'sessions-of-provider-subject',
  `SELECT s.id, s.user_id FROM identities i JOIN sessions s ON s.user_id = i.user_id AND s.identity_id = i.id
   WHERE i.issuer = $1 AND i.subject = $2 AND s.revoked_at IS NULL AND s.created_at <= $3
   LIMIT ${SESSIONS_READ_MAX}`,
)

/**
 * Ends the sessions here that a provider's announcement names (OpenID Connect Back-Channel Logout, section 2.7): those of
 * its own session, or else all that the identity has started. Returns how many ended.
 * @throws AuthError NOT_FOUND for an unknown provider; PROVIDER_FAILED for an invalid announcement, which is on record;
 *   RATE_LIMITED
 */
export async function logoutByProvider(
  app: App,
  { provider: id, token }: { provider: string; token: string },
  request: RequestInfo,
): Promise<number> {
  const provider = findProvider(app, id)
  if (!provider) throw new AuthError('NOT_FOUND')
  let ended: EndedAtProvider
  try {
    ended = await verifyLogoutToken(app, provider, token)
  } catch (error) {
    if (!(error instanceof AuthError)) throw error
    throw await refuseProvider(app, { provider: id, subjectId: undefined }, error, request)
  }
  const detail = { because: 'signed out at the provider', provider: id }
  const outcomes = await Promise.all(
    (await sessionsOf(app, ended)).map(([sessionId, userId]) =>
      revokeSession(app, { id: sessionId, userId }, { action: 'session.revoked', request, detail }),
    ),
  )
  return outcomes.filter(Boolean).length
}

function sessionsOf(app: App, { issuer, subject, sid, issuedAt }: EndedAtProvider): Promise<Row[]> {
  if (sid !== null) return selectBySid(app.pool, [issuer, sid, subject, issuedAt])
  return selectBySubject(app.pool, [issuer, subject, issuedAt])
}
