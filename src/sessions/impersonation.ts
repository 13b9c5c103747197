import type { App } from '../app.ts'
import type { Account } from '../context.ts'
import { unauthenticated } from '../errors.ts'
import { findSession } from './find-session.ts'
import { endReasonOf } from './live.ts'

/** The permission to act as another user. */
export const IMPERSONATE = 'users:impersonate'

/** How long an administrator acts as another user. The session cannot be refreshed. */
export const IMPERSONATION_SECONDS = 1800

/**
 * The administrator who acts as `account` in a session that the session `actorSessionId` started. It ends with that one,
 * and as soon as the administrator may no longer act as the account.
 * @throws AuthError UNAUTHENTICATED with the reason REVOKED
 */
export async function requireImpersonator(
  app: App,
  actorSessionId: string,
  account: Account,
): Promise<Account> {
  const found = await findSession(app, actorSessionId)
  if (!found || endReasonOf(found, app.clock.now()) || !mayImpersonate(found.account, account))
    throw unauthenticated('REVOKED')
  return found.account
}

function mayImpersonate(actor: Account, { permissions }: Account): boolean {
  return (
    actor.permissions.includes(IMPERSONATE) && permissions.every(held => actor.permissions.includes(held))
  )
}
