import type { App } from '../app.ts'
import type { RequestInfo } from '../context.ts'
import { AuthError } from '../errors.ts'
import { advance } from './advance.ts'
import { countProofOfRace, refuseUsedProof, requireBoundKey } from './bound-key.ts'
import { findSession, type SessionWithAccount } from './find-session.ts'
import { standingOf, steppedUpForSeconds } from './generations.ts'
import { endReasonOf } from './live.ts'
import { recordRace } from './refresh-record.ts'
import { isAuthentic, parseRefreshToken, type RefreshToken, saltOf } from './refresh-token.ts'
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
 * - If the successor was created by a step-up, the previous token yields nothing for some seconds, and then one without
 *   what the step-up proved. So someone who holds a copy of that token never receives what the owner has proved.
 * - Any other token proves that two holders use the session, and ends it (RFC 9700, section 4.14.2).
 *
 * The refresh token of a session that is bound to a key counts only with a proof of that key, and each proof counts once
 * (RFC 9449): see bound-key.ts.
 *
 * So a client stays signed in even if it loses any number of responses. If two holders both continue, the first one to
 * come back ends the session.
 * @throws AuthError REFRESH_TOKEN_INVALID, with the reason DPOP_NONCE or DPOP_INVALID if it is about the key; CONFLICT if the session was stepped up a moment ago
 */
export async function refreshSession(
  app: App,
  text: string,
  request: RequestInfo,
): Promise<SessionWithAccount> {
  const token = parseRefreshToken(text)
  if (!token) throw invalid('malformed')
  const ofApp = underWay.get(app) ?? new Map<string, Promise<unknown>>()
  underWay.set(app, ofApp)
  const first = ofApp.get(text)
  if (first) {
    await first.catch(() => {})
    return exchange(app, token, request)
  }
  const exchanged = advanceUnread(app, token, request).then(
    advanced => advanced ?? exchange(app, token, request),
  )
  ofApp.set(text, exchanged)
  try {
    return await exchanged
  } finally {
    ofApp.delete(text)
  }
}

/**
 * The exchanges in progress, by token. Further requests with the same token at the same time wait for the first: then one
 * query for all of them tells what has become of it. Without this, each would compete for the same row.
 */
const underWay = new WeakMap<App, Map<string, Promise<unknown>>>()

/**
 * Advances the session with one statement if the token is the current one of a live session, as nearly every token.
 * Returns undefined for all others, for sessions that are bound to a key which the request does not prove, and for those whose
 * salt is not derived from the ID.
 */
async function advanceUnread(
  app: App,
  token: RefreshToken,
  request: RequestInfo,
): Promise<SessionWithAccount | undefined> {
  const { sessionId: id, generation } = token
  const session = { id, generation, salt: saltOf(app, id) }
  return isAuthentic(app, session, token) ? advance(app, session, request) : undefined
}

/** Reads the session and acts on what the token tells about it. */
async function exchange(app: App, token: RefreshToken, request: RequestInfo): Promise<SessionWithAccount> {
  const { sessionId: id, generation } = token
  // A round repeats only if another request changed the session during it. An honest client needs two at most; the
  // bound stops a flood from looping.
  for (let round = 0; round < 5; round++) {
    const found = await findSession(app, id)
    if (!found || !isAuthentic(app, found.session, token)) throw invalid('unknown')
    const now = app.clock.now()
    // No one has received a refresh token of an administrator's session as another user.
    if (found.session.actorSessionId !== null) throw invalid('impersonation')
    const ended = endReasonOf(found, now)
    if (ended) throw invalid(ended.toLowerCase())
    await requireBoundKey(app, found, request)
    const standing = standingOf(found.session, generation, now)
    if (standing === 'raced' || standing === 'steppedUp') {
      if (!(await countProofOfRace(app, found.session, request))) continue
      await recordRace(app, found.session, generation, now, request)
      if (standing === 'raced') return found
      throw steppedUp(steppedUpForSeconds(found.session, now))
    }
    if (standing === 'reused') {
      await refuseUsedProof(app, found.session, request)
      await endSharedSession(app, found, { kind: 'refresh', generation }, request)
      throw invalid('reused')
    }
    const session = await rotations[standing](app, found.session, generation, now, request)
    if (session) return { ...found, session }
    await refuseUsedProof(app, found.session, request)
  }
  throw invalid('contended')
}

/** The delay after which clients try again with the tokens that they have by then. */
const RETRY_SECONDS = 4

function steppedUp(seconds: number): AuthError {
  return new AuthError('CONFLICT', {
    message:
      'You confirmed that it’s you a moment ago, which replaced your tokens. Try again in a few seconds.',
    extensions: { retryAfter: Math.min(seconds, RETRY_SECONDS) },
  })
}

function invalid(cause: string): AuthError {
  return new AuthError('REFRESH_TOKEN_INVALID', { cause })
}
