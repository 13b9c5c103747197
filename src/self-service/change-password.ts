import { z } from 'zod'
import { requireAccount } from '../accounts/account.ts'
import { newCredentialVersion } from '../accounts/credential-version.ts'
import { emailOriginOf, securityNotice } from '../accounts/security-notice.ts'
import type { App } from '../app.ts'
import { record } from '../audit/record.ts'
import type { Account, RequestInfo, Viewer } from '../context.ts'
import {
  passwordField,
  requireAcceptablePassword,
  SAME_PASSWORD,
  submittedPasswordField,
} from '../credentials/password/new-password.ts'
import { proveOwnPassword } from '../credentials/password/prove.ts'
import { keepOnlyDevice, readDevice } from '../devices/device.ts'
import { AuthError, badInput } from '../errors.ts'
import { checkInput } from '../input.ts'
import { queueNotice } from '../mail/notices.ts'
import { endTokens } from '../one-time-tokens/token.ts'
import { requireSession } from '../sessions/require-session.ts'
import { revokeSessions } from '../sessions/revoke.ts'

const schema = z.object({
  currentPassword: submittedPasswordField,
  newPassword: passwordField,
  deviceToken: z.string().nullish(),
})

/**
 * Sets a new password, ends the account's other sessions and forgets its other devices, in one transaction. Of two
 * simultaneous changes, the second fails, because its current password is no longer correct.
 * @throws AuthError BAD_USER_INPUT, INVALID_CREDENTIALS, RATE_LIMITED, SERVICE_UNAVAILABLE; UNAUTHENTICATED
 *   if the session has ended since the request was authenticated
 */
export async function changePassword(
  app: App,
  input: unknown,
  viewer: Viewer,
  request: RequestInfo,
): Promise<Account> {
  const { currentPassword, newPassword, deviceToken } = checkInput(schema, input)
  const { account } = viewer
  const { session } = requireSession(viewer)
  const { passwordHash } = await proveOwnPassword(app, account, currentPassword, request)
  const { id, email, username, displayName } = account
  await requireAcceptablePassword(app, newPassword, 'input.newPassword', [email, username, displayName])
  if (newPassword === currentPassword.normal) throw badInput({ 'input.newPassword': [SAME_PASSWORD] })
  const newHash = await app.hasher.hash(newPassword)
  const now = app.clock.now()
  await app.db.$transaction(async tx => {
    const changed = await tx.user.updateMany({
      where: { id, passwordHash },
      data: { passwordHash: newHash, passwordChangedAt: now, updatedAt: now, ...newCredentialVersion },
    })
    if (changed.count === 0) throw new AuthError('INVALID_CREDENTIALS', { cause: 'the password has changed' })
    await endTokens(app, tx, id)
    await keepOnlyDevice(app, tx, id, readDevice(app, deviceToken) ?? readDevice(app, request.deviceCookie))
    await revokeSessions(
      app,
      { userId: id, keptId: session.id },
      { action: 'session.revoked', request, actorId: id, detail: { because: 'password changed' } },
      tx,
    )
    await tx.session.updateMany({
      where: { id: session.id },
      data: { authenticatedAt: now, passwordAt: now },
    })
    await record(tx, request, { action: 'user.password_changed', at: now, actorId: id, subjectId: id })
    const notice = securityNotice(app, account, 'password-changed', emailOriginOf(app, request))
    await queueNotice(app, tx, account, notice)
  })
  return requireAccount(app, id)
}
