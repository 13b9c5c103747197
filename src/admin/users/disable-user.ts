import { deleteAccountOf } from '../../accounts/delete-account.ts'
import { labelField } from '../../accounts/fields.ts'
import type { App } from '../../app.ts'
import { record } from '../../audit/record.ts'
import { redactAccount } from '../../audit/redact.ts'
import type { Account } from '../../context.ts'
import { AuthError } from '../../errors.ts'
import { checkInput } from '../../input.ts'
import { queueNotice } from '../../mail/notices.ts'
import { revokeSessions } from '../../sessions/revoke.ts'
import { deleteSessionsOf } from '../../sessions/tidy.ts'
import { type Acting, administerUser } from '../administer.ts'

const reasonField = labelField(500).nullish()

/**
 * Keeps an account from signing in, ends its sessions and tells its owner. The reason is for the audit log alone. An
 * account that is disabled already stays as it is.
 * @throws AuthError BAD_USER_INPUT, NOT_FOUND; FORBIDDEN for an account with more permissions; CONFLICT for one's own
 *   account and for the last administrator
 */
export async function disableUser(
  app: App,
  id: string,
  reason: string | null | undefined,
  acting: Acting,
): Promise<void> {
  const noted = checkInput(reasonField, reason, 'reason')
  const now = app.clock.now()
  await administerUser(app, acting, 'users:write', id, async (tx, target) => {
    refuseOwn(target, acting, 'disable')
    if (target.disabledAt) return
    await tx.user.update({ where: { id }, data: { disabledAt: now, updatedAt: now } })
    const actorId = acting.viewer.account.id
    await record(tx, acting.request, {
      action: 'user.disabled',
      at: now,
      actorId,
      subjectId: id,
      detail: {
        before: { disabledAt: null },
        after: { disabledAt: now.toISOString() },
        ...(noted && { reason: noted }),
      },
    })
    const detail = { because: 'account disabled' }
    const { request } = acting
    await revokeSessions(app, { userId: id }, { action: 'session.revoked', request, actorId, detail }, tx)
    await queueNotice(app, tx, target, {
      template: 'account-disabled',
      to: target.email,
      locale: target.locale,
      userId: id,
      data: { at: now.toISOString() },
    })
  })
}

/**
 * Lets a disabled account sign in again. Its sessions stay ended.
 * @throws AuthError NOT_FOUND; FORBIDDEN for an account with more permissions
 */
export async function enableUser(app: App, id: string, acting: Acting): Promise<void> {
  const now = app.clock.now()
  await administerUser(app, acting, 'users:write', id, async (tx, { disabledAt }) => {
    if (!disabledAt) return
    await tx.user.update({ where: { id }, data: { disabledAt: null, updatedAt: now } })
    await record(tx, acting.request, {
      action: 'user.enabled',
      at: now,
      actorId: acting.viewer.account.id,
      subjectId: id,
      detail: { before: { disabledAt: disabledAt.toISOString() }, after: { disabledAt: null } },
    })
  })
}

/**
 * Removes an account and everything personal that there is of it; see accounts/delete-account.ts.
 * @throws AuthError NOT_FOUND; FORBIDDEN for an account with more permissions; CONFLICT for one's own account and for
 *   the last administrator
 */
export async function deleteUser(app: App, id: string, acting: Acting): Promise<void> {
  const erased = await administerUser(app, acting, 'users:delete', id, async (tx, target) => {
    refuseOwn(target, acting, 'delete')
    return deleteAccountOf(app, tx, id, { actorId: acting.viewer.account.id, request: acting.request })
  })
  await deleteSessionsOf(app, id)
  await redactAccount(app, erased)
}

/**
 * Ends all sessions of an account and says how many.
 * @throws AuthError NOT_FOUND; FORBIDDEN for an account with more permissions
 */
export async function revokeUserSessions(app: App, id: string, acting: Acting): Promise<number> {
  const { request, viewer } = acting
  const revocation = { action: 'session.revoked', request, actorId: viewer.account.id } as const
  return administerUser(app, acting, 'users:write', id, tx =>
    revokeSessions(app, { userId: id }, revocation, tx),
  )
}

function refuseOwn({ id }: Account, { viewer }: Acting, what: 'disable' | 'delete'): void {
  if (id !== viewer.account.id) return
  throw new AuthError('CONFLICT', {
    message:
      what === 'delete'
        ? 'This is your own account. Delete it with deleteAccount.'
        : 'This is your own account. Another administrator can disable it.',
  })
}
