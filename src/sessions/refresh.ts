import type { App } from '../app.ts'
import type { RequestInfo } from '../context.ts'
import { AuthError } from '../errors.ts'
import { endReasonOf } from './authenticate.ts'
import { findSession, type SessionWithAccount } from './find-session.ts'
import { standingOf } from './generations.ts'
import { recordRace } from './refresh-record.ts'
import { isAuthentic, parseRefreshToken } from './refresh-token.ts'
import { catchUp, moveOn, replaceLost } from './rotate.ts'
import { endSharedSession } from './two-holders.ts'

const rotations = { current: moveOn, lost: replaceLost, ahead: catchUp }

/**
 * Exchanges a refresh token for its successor: the session returned is at the successor's generation.
 *
 * - The current token moves the session on, by one guarded UPDATE.
 * - The one before it gets the same successor again within 30 seconds. Later, while nothing shows that the
 *   successor arrived, it gets a fresh one, and those in between are burned.
 * - A token that the database is behind of moves the session on from there.
 * - Any other shows that two holders use the session, which ends (RFC 9700, section 4.14.2).
 *
 * So a client that loses answers, however many, stays signed in, and of two holders who both continue the first
 * to return ends the session.
 * @throws AuthError REFRESH_TOKEN_INVALID
 */
export async function refreshSession(
  app: App,
  text: string,
  request: RequestInfo,
): Promise<SessionWithAccount> {
  const token = parseRefreshToken(text)
  if (!token) throw invalid('malformed')
  const { generation } = token
  // Each round that does not return has seen the session change under it. An honest client needs two at most;
  // the bound keeps a flood from spinning.
  for (let round = 0; round < 5; round++) {
    const found = await findSession(app, token.sessionId)
    if (!found || !isAuthentic(app, found.session, token)) throw invalid('unknown')
    const now = app.clock.now()
    const ended = endReasonOf(found, now)
    if (ended) throw invalid(ended.toLowerCase())
    const standing = standingOf(found.session, generation, now)
    if (standing === 'raced') {
      await recordRace(app, found.session, generation, now, request)
      return found
    }
    if (standing === 'reused') {
      await endSharedSession(app, found, { kind: 'refresh', generation }, request)
      throw invalid('reused')
    }
    const session = await rotations[standing](app, found.session, generation, now, request)
    if (session) return { ...found, session }
  }
  throw invalid('contended')
}

function invalid(cause: string): AuthError {
  return new AuthError('REFRESH_TOKEN_INVALID', { cause })
}
