import type { App } from '../../app.ts'
import { isId } from '../../database/client.ts'
import { AuthError } from '../../errors.ts'
import { findSession } from '../../sessions/find-session.ts'
import { revokeSession } from '../../sessions/revoke.ts'
import { administerUser, type Caller } from '../administer.ts'

/**
 * Ends one session of an account. Returns whether it was live.
 * @throws AuthError NOT_FOUND if there is no such account, or the account has no such session; FORBIDDEN for an account
 *   with more permissions than the caller's
 */
export async function revokeUserSession(
  app: App,
  id: string,
  sessionId: string,
  caller: Caller,
): Promise<boolean> {
  const { request, viewer } = caller
  const revocation = { action: 'session.revoked', request, actorId: viewer.account.id } as const
  const ended = await administerUser(app, caller, 'users:write', id, async (tx, target) =>
    isId(sessionId) ? revokeSession(app, { id: sessionId, userId: target.id }, revocation, tx) : false,
  )
  if (ended) return true
  const found = isId(sessionId) ? await findSession(app, sessionId) : undefined
  if (found?.account.id !== id.toLowerCase()) {
    throw new AuthError('NOT_FOUND', { message: 'This account has no session with this ID.' })
  }
  return false
}
