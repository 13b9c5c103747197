import type { App } from '../app.ts'
import type { RequestFacts } from '../context.ts'
import { readAccessToken } from '../keys/access-token.ts'
import { findSession } from '../sessions/find.ts'
import { isAuthentic, parseRefreshToken } from '../sessions/refresh-token.ts'
import { revokeSessions } from '../sessions/revoke.ts'

/**
 * Ends the sessions of the tokens that the request carries: the access token, even an expired one, and
 * the refresh tokens. Tokens that name no live session end nothing and are no error.
 */
export async function logout(
  app: App,
  refreshTokens: (string | null | undefined)[],
  request: RequestFacts,
): Promise<void> {
  const named = await Promise.all(refreshTokens.map(token => sessionOfRefreshToken(app, token)))
  const ids = [...named, sessionOfAccessToken(app, request.bearerToken)].filter(id => id !== undefined)
  if (ids.length === 0) return
  await revokeSessions(app, { id: { in: ids } }, { action: 'session.ended', request })
}

async function sessionOfRefreshToken(app: App, text: string | null | undefined): Promise<string | undefined> {
  const token = text ? parseRefreshToken(text) : undefined
  const found = token && (await findSession(app, token.sessionId))
  return found && isAuthentic(app, found.session, token) ? token.sessionId : undefined
}

function sessionOfAccessToken(app: App, token: string | undefined): string | undefined {
  try {
    return token === undefined ? undefined : readAccessToken(app, token).sid
  } catch {
    return undefined
  }
}
