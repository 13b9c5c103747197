import { deleteAccountOf } from '../../accounts/delete-account.ts'
import type { App } from '../../app.ts'
import { redactAccount } from '../../audit/redact.ts'
import { AuthError } from '../../errors.ts'
import { deleteSessionsOf } from '../../sessions/tidy.ts'
import { administerUser, type Caller } from '../administer.ts'

/**
 * Deletes an account and its personal data; see accounts/delete-account.ts.
 * @throws AuthError NOT_FOUND; FORBIDDEN for an account with more permissions than the caller's; CONFLICT for the
 *   caller's own account and for the last administrator
 */
export async function deleteUser(app: App, id: string, caller: Caller): Promise<void> {
  const { request, viewer } = caller
  const actorId = viewer.account.id
  const erasedIds = await administerUser(app, caller, 'users:delete', id, async (tx, target) => {
    if (target.id === actorId) {
      throw new AuthError('CONFLICT', { message: 'This is your own account. Delete it with deleteAccount.' })
    }
    return deleteAccountOf(app, tx, id, { actorId, request })
  })
  await deleteSessionsOf(app, id)
  await redactAccount(app, erasedIds)
}
