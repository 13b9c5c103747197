import { WAITING } from '../../accounts/invited.ts'
import type { App } from '../../app.ts'
import { AuthError } from '../../errors.ts'
import { requireMail } from '../../mail/outbox.ts'
import { administerUser, type Caller } from '../administer.ts'
import { countAdministratorEmail } from './email-limit.ts'
import { recordInvitation, sendInvitation } from './invite-user.ts'

/**
 * Sends the invitation of an account again. The new link is valid for 7 days, and the old one becomes invalid. If the
 * owner accepts the old one at the same moment, no link is sent.
 * @throws AuthError NOT_FOUND; FORBIDDEN for an account with more permissions than the caller's; CONFLICT if the account
 *   is not waiting for its owner or is disabled, and with MAIL=off; RATE_LIMITED
 */
export async function resendInvitation(app: App, id: string, caller: Caller): Promise<void> {
  requireMail(app)
  await countAdministratorEmail(app, id, caller)
  const invitedAt = app.clock.now()
  await administerUser(app, caller, 'users:write', id, async (tx, target) => {
    const invited = await tx.user.updateMany({
      where: { id, ...WAITING, disabledAt: null },
      data: { invitedAt },
    })
    if (invited.count === 0) throw notWaiting(target.disabledAt !== null)
    await sendInvitation(app, tx, target, caller)
    await recordInvitation(app, tx, target.id, caller, { again: true })
  })
}

function notWaiting(disabled: boolean): AuthError {
  return new AuthError('CONFLICT', {
    message: disabled
      ? 'This account is disabled. Enable it first.'
      : 'This account has no open invitation. Its owner can already sign in or set a password.',
  })
}
