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
 * Exchanges a refresh token for its successor. Returns the session at the successor's generation.
 *
 * - The current token advances the session by one guarded UPDATE.
 * - The previous token yields the same successor again within 30 seconds. After that, and as long as no request has
 *   used the successor, it yields a new one and burns the generations in between.
 * - A token that is ahead of the database advances the session past its own generation.
 * - Any other token proves that two holders use the session, and ends it (RFC 9700, section 4.14.2).
 *
 * So a client stays signed in even if it loses any number of responses. If two holders both continue, the first one to
 * come back ends the session.
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
  // A round repeats only if another request changed the session during it. An honest client needs two at most; the
  // bound stops a flood from looping.
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
