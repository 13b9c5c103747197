import type { App } from '../../app.ts'
import { revokeSessions } from '../../sessions/revoke.ts'
import { administerUser, type Caller } from '../administer.ts'

/**
 * Ends all sessions of an account and returns their number.
 * @throws AuthError NOT_FOUND; FORBIDDEN for an account with more permissions than the caller's
 */
export async function revokeUserSessions(app: App, id: string, caller: Caller): Promise<number> {
  const { request, viewer } = caller
  const revocation = { action: 'session.revoked', request, actorId: viewer.account.id } as const
  return administerUser(app, caller, 'users:write', id, tx =>
    revokeSessions(app, { userId: id }, revocation, tx),
  )
}
