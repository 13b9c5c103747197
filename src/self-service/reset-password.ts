import { z } from 'zod'
import { newCredentialVersion } from '../accounts/credential-version.ts'
import { emailOriginOf, securityNotice } from '../accounts/security-notice.ts'
import type { App } from '../app.ts'
import { record } from '../audit/record.ts'
import type { RequestInfo } from '../context.ts'
import { forgiveAccount } from '../credentials/attempts.ts'
import {
  passwordField,
  requireAcceptablePassword,
  SAME_PASSWORD,
} from '../credentials/password/new-password.ts'
import { type Device, keepOnlyDevice } from '../devices/device.ts'
import { endTrust } from '../devices/trust.ts'
import { AuthError, badInput } from '../errors.ts'
import type { User } from '../generated/prisma/client.ts'
import { checkInput } from '../input.ts'
import { queueNotice } from '../mail/notices.ts'
import { countInvalidTokens, endTokens, peekToken, redeemToken } from '../one-time-tokens/token.ts'
import { revokeSessions } from '../sessions/revoke.ts'
import { removeUnprovedCredentials } from '../sign-in/first-mailbox-proof.ts'
import { requireEnabledOwner } from './token-owner.ts'

const schema = z.object({ token: z.string(), newPassword: passwordField })

/**
 * Sets a new password, or the first one, for the holder of a reset or invitation token. It also:
 * - ends all sessions,
 * - verifies the address, because the token proves control of the mailbox; the first such proof removes what others may
 *   have set up to sign in with (see `removeUnprovedCredentials`),
 * - leaves `device` as the account's only known device, so that the owner can sign in there even while attackers
 *   exhaust the attempts.
 *
 * A rejected password does not use up the token. Of several simultaneous resets and password changes, one wins.
 * @throws AuthError BAD_USER_INPUT, TOKEN_INVALID, ACCOUNT_DISABLED, RATE_LIMITED, SERVICE_UNAVAILABLE
 */
export async function resetPassword(
  app: App,
  input: unknown,
  request: RequestInfo,
  device: Device,
): Promise<void> {
  const { token, newPassword } = checkInput(schema, input)
  const account = await countInvalidTokens(app, request, () =>
    reset(app, token, newPassword, request, device),
  )
  await forgiveAccount(app, account)
}

async function reset(
  app: App,
  token: string,
  newPassword: string,
  request: RequestInfo,
  device: Device,
): Promise<User> {
  const { subject: id, emailCanonical } = await peekToken(app, token, 'reset', 'invitation')
  const user = await requireEnabledOwner(app, id)
  const { email, username, displayName } = user
  await requireAcceptablePassword(app, newPassword, 'input.newPassword', [email, username, displayName])
  // Learns little: a wrong guess of the current password sets it, and uses up the link.
  if (user.passwordHash && (await app.hasher.verify(user.passwordHash, newPassword, newPassword))) {
    throw badInput({ 'input.newPassword': [SAME_PASSWORD] })
  }
  const passwordHash = await app.hasher.hash(newPassword)
  const now = app.clock.now()
  const emailVerifiedAt = user.emailVerifiedAt ?? now
  await app.db.$transaction(async tx => {
    if (!user.emailVerifiedAt) await removeUnprovedCredentials(app, tx, user, request)
    const changed = await tx.user.updateMany({
      where: { id, emailCanonical, disabledAt: null },
      data: {
        passwordHash,
        passwordChangedAt: now,
        updatedAt: now,
        emailVerifiedAt,
        ...newCredentialVersion,
      },
    })
    if (changed.count === 0) throw new AuthError('TOKEN_INVALID', { cause: 'the account has changed' })
    await redeemToken(app, tx, token, 'reset', 'invitation')
    // The owner has proved the mailbox, so codes of the authenticator app are accepted again.
    await tx.$executeRaw`UPDATE users SET factor_failures = 0 WHERE id = ${id}::uuid`
    await endTokens(app, tx, id)
    await keepOnlyDevice(app, tx, id, device)
    await endTrust(tx, id)
    await revokeSessions(
      app,
      { userId: id },
      { action: 'session.revoked', request, actorId: id, detail: { because: 'password reset' } },
      tx,
    )
    await record(tx, request, { action: 'user.password_reset', at: now, actorId: id, subjectId: id })
    const notice = securityNotice(app, user, 'password-changed', emailOriginOf(app, request))
    await queueNotice(app, tx, { ...user, emailVerifiedAt }, notice)
  })
  return user
}
