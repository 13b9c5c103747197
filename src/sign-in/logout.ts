import type { App } from '../app.ts'
import type { RequestInfo } from '../context.ts'
import { isOfService, readAccessToken } from '../keys/access-token.ts'
import { findSession } from '../sessions/find-session.ts'
import { isAuthentic, parseRefreshToken } from '../sessions/refresh-token.ts'
import { revokeSession } from '../sessions/revoke.ts'

/**
 * Ends the session of the request's access token, even if the token has expired, and those of the refresh tokens.
 * Ignores tokens that do not belong to a live session.
 */
export async function logout(
  app: App,
  refreshTokens: (string | null | undefined)[],
  request: RequestInfo,
): Promise<void> {
  const found = await Promise.all(refreshTokens.map(token => sessionOfRefreshToken(app, token)))
  for (const session of [...found, sessionOfAccessToken(app, request.bearerToken)]) {
    if (!session) continue
    const { id, userId, impersonatorId } = session
    const origin = { ...request, impersonatorId }
    await revokeSession(app, { id, userId }, { action: 'session.ended', request: origin, actorId: userId })
  }
}

type OwnedSession = { id: string; userId: string; impersonatorId?: string | undefined }

async function sessionOfRefreshToken(
  app: App,
  text: string | null | undefined,
): Promise<OwnedSession | undefined> {
  const token = text ? parseRefreshToken(text) : undefined
  const found = token && (await findSession(app, token.sessionId))
  return found && isAuthentic(app, found.session, token) ? found.session : undefined
}

function sessionOfAccessToken(app: App, token: string | undefined): OwnedSession | undefined {
  try {
    if (token === undefined) return undefined
    const claims = readAccessToken(app, token)
    if (isOfService(claims)) return undefined
    const { sid, sub, act } = claims
    return { id: sid, userId: sub, impersonatorId: act?.sub }
  } catch {
    return undefined
  }
}
