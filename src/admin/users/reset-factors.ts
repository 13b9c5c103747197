import { z } from 'zod'
import { emailField, reasonField } from '../../accounts/fields.ts'
import type { App } from '../../app.ts'
import { NO_REQUEST } from '../../audit/record.ts'
import { AuthError } from '../../errors.ts'
import { checkInput } from '../../input.ts'
import { requireRecentSignIn } from '../../sessions/assurance.ts'
import { type Removed, removeFactors } from '../../sign-in/remove-factors.ts'
import { administerUser, type Caller } from '../administer.ts'

const addressSchema = z.object({ email: emailField })

/**
 * Removes every second factor of an account whose owner has lost them: authenticator app, passkeys, security keys,
 * recovery codes and trusted devices. Ends its sessions and notifies the owner. The next sign-in takes the password or
 * the mailbox as before, and must add a factor, which takes a code emailed to the address. Only the audit log shows the
 * reason. Does nothing if the account has no factor.
 * @throws AuthError BAD_USER_INPUT, REAUTHENTICATION_REQUIRED, STEP_UP_REQUIRED, NOT_FOUND; FORBIDDEN for an account
 *   with more permissions than the caller's; CONFLICT for the caller's own account
 */
export async function resetUserFactors(
  app: App,
  id: string,
  reasonInput: string,
  caller: Caller,
): Promise<void> {
  const reason = checkInput(reasonField, reasonInput, 'reason')
  const { viewer, request } = caller
  await requireRecentSignIn(app, viewer)
  const actorId = viewer.account.id
  await administerUser(app, caller, 'users:factors', id, async (tx, target) => {
    if (target.id === actorId) {
      throw new AuthError('CONFLICT', {
        message: 'This is your own account. Another administrator can reset its second factors.',
      })
    }
    await removeFactors(app, tx, target, { ...RESET, reason, request, actorId })
  })
}

/**
 * The same from the command line, for the account with this address, any spelling of it. Returns what was removed.
 * @throws AuthError BAD_USER_INPUT, NOT_FOUND
 */
export async function resetFactorsOf(app: App, address: string, reasonInput: string): Promise<Removed> {
  const reason = checkInput(reasonField, reasonInput, 'reason')
  const { email } = checkInput(addressSchema, { email: address })
  return app.db.$transaction(async tx => {
    await tx.$queryRaw`SELECT FROM users WHERE email_canonical = ${email.canonical} FOR NO KEY UPDATE`
    const account = await tx.user.findUnique({ where: { emailCanonical: email.canonical } })
    if (!account) throw new AuthError('NOT_FOUND', { message: `${email.typed} has no account.` })
    return removeFactors(app, tx, account, { ...RESET, reason, request: NO_REQUEST })
  })
}

const RESET = { action: 'factor.reset', template: 'factors-reset' } as const
