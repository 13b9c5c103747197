import { newCredentialVersion } from '../../accounts/credential-version.ts'
import { disabledReasonField } from '../../accounts/fields.ts'
import { endApiKeys } from '../../api-keys/end-api-keys.ts'
import type { App } from '../../app.ts'
import { record } from '../../audit/record.ts'
import { AuthError } from '../../errors.ts'
import { checkInput } from '../../input.ts'
import { queueNotice } from '../../mail/notices.ts'
import { revokeSessions } from '../../sessions/revoke.ts'
import { administerUser, type Caller } from '../administer.ts'

const reasonField = disabledReasonField.nullish()

/**
 * Disables an account: its owner can't sign in, its sessions end, its API keys are deleted, and the owner receives an email. Only
 * administrators see the reason. Does nothing if the account is already disabled.
 * @throws AuthError BAD_USER_INPUT, NOT_FOUND; FORBIDDEN for an account with more permissions than the caller's;
 *   CONFLICT for the caller's own account and for the last administrator
 */
export async function disableUser(
  app: App,
  id: string,
  reasonInput: string | null | undefined,
  caller: Caller,
): Promise<void> {
  const reason = checkInput(reasonField, reasonInput, 'reason')
  const { request, viewer } = caller
  const actorId = viewer.account.id
  const now = app.clock.now()
  await administerUser(app, caller, 'users:write', id, async (tx, target) => {
    if (target.id === actorId) {
      throw new AuthError('CONFLICT', {
        message: 'This is your own account. Another administrator can disable it.',
      })
    }
    if (target.disabledAt) return
    await tx.user.update({
      where: { id },
      data: { disabledAt: now, disabledReason: reason ?? null, updatedAt: now, ...newCredentialVersion },
    })
    await record(tx, request, {
      action: 'user.disabled',
      at: now,
      actorId,
      subjectId: id,
      detail: {
        before: { disabledAt: null },
        after: { disabledAt: now.toISOString() },
        ...(reason && { reason }),
      },
    })
    const because = 'account disabled'
    await endApiKeys(app, tx, id, { request, actorId, because })
    const detail = { because }
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
