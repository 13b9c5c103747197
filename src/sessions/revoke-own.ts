import type { App } from '../app.ts'
import type { RequestInfo } from '../context.ts'
import { isId } from '../database/client.ts'
import { AuthError } from '../errors.ts'
import type { Session } from '../generated/prisma/client.ts'
import { findSession } from './find-session.ts'
import { type Revocation, revokeSession, revokeSessions, type Selection } from './revoke.ts'

/**
 * Ends a session for its owner and returns it as ended.
 * @throws AuthError NOT_FOUND if the account has no session with this ID
 */
export async function revokeOwnSession(
  app: App,
  id: string,
  accountId: string,
  request: RequestInfo,
): Promise<Session> {
  const found = isId(id) ? await endAndFind(app, id, accountId, request) : undefined
  if (found?.account.id !== accountId) {
    throw new AuthError('NOT_FOUND', { message: 'You have no session with this ID.' })
  }
  return found.session
}

async function endAndFind(app: App, id: string, accountId: string, request: RequestInfo) {
  await revokeSession(app, { id, userId: accountId }, byOwner(accountId, request))
  return findSession(app, id)
}

/** Ends the selected sessions for their owner and returns how many ended. */
export function revokeOwnSessions(app: App, selection: Selection, request: RequestInfo): Promise<number> {
  return revokeSessions(app, selection, byOwner(selection.userId, request))
}

function byOwner(accountId: string, request: RequestInfo): Revocation {
  return { action: 'session.revoked', request, actorId: accountId }
}
