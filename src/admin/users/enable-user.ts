import type { App } from '../../app.ts'
import { record } from '../../audit/record.ts'
import { administerUser, type Caller } from '../administer.ts'

/**
 * Lets the owner of a disabled account sign in again. Its sessions stay ended.
 * @throws AuthError NOT_FOUND; FORBIDDEN for an account with more permissions than the caller's
 */
export async function enableUser(app: App, id: string, caller: Caller): Promise<void> {
  const now = app.clock.now()
  await administerUser(app, caller, 'users:write', id, async (tx, { disabledAt }) => {
    if (!disabledAt) return
    await tx.user.update({ where: { id }, data: { disabledAt: null, disabledReason: null, updatedAt: now } })
    await record(tx, caller.request, {
      action: 'user.enabled',
      at: now,
      actorId: caller.viewer.account.id,
      subjectId: id,
      detail: { before: { disabledAt: disabledAt.toISOString() }, after: { disabledAt: null } },
    })
  })
}
