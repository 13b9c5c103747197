import { waitingSince } from '../../accounts/invited.ts'
import type { App } from '../../app.ts'
import { record } from '../../audit/record.ts'
import { AuthError } from '../../errors.ts'
import { queueMail, requireMail } from '../../mail/outbox.ts'
import { issueToken } from '../../one-time-tokens/token.ts'
import { resetMailByAdministrator, resetTokenOf } from '../../self-service/password-reset-link.ts'
import { administerUser, type Caller } from '../administer.ts'
import { countAdministratorEmail } from './email-limit.ts'

/**
 * Emails the owner of an account a link, valid for 30 minutes, to set a new password. The password stays as it is until
 * the owner follows the link. The caller never sees the link.
 * @throws AuthError NOT_FOUND; FORBIDDEN for an account with more permissions than the caller's; CONFLICT if the account
 *   is disabled or waits for its owner to accept an invitation, and with MAIL=off; RATE_LIMITED
 */
export async function sendPasswordReset(app: App, id: string, caller: Caller): Promise<void> {
  requireMail(app)
  await countAdministratorEmail(app, id, caller)
  const { request, viewer } = caller
  await administerUser(app, caller, 'users:write', id, async (tx, target) => {
    if (target.disabledAt) {
      throw new AuthError('CONFLICT', { message: 'This account is disabled. Enable it first.' })
    }
    if (waitingSince(target)) {
      throw new AuthError('CONFLICT', {
        message: 'This account has no password yet. Send its invitation again instead.',
      })
    }
    const token = await issueToken(app, tx, resetTokenOf(target))
    await queueMail(app, tx, resetMailByAdministrator(app, target, token))
    const [at, actorId] = [app.clock.now(), viewer.account.id]
    await record(tx, request, { action: 'user.reset_requested', at, actorId, subjectId: target.id })
  })
}
