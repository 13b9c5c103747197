import { z } from 'zod'
import { type Account, requireAccount } from '../accounts/account.ts'
import { endTokens } from '../accounts/email-token.ts'
import type { App } from '../app.ts'
import { record } from '../audit/record.ts'
import type { RequestFacts, Viewer } from '../context.ts'
import { AuthError } from '../errors.ts'
import { checkInput } from '../input.ts'
import { queueNotice } from '../mail/notices.ts'
import { givenPasswordField, passwordField, requireGoodPassword } from '../passwords/new-password.ts'
import { knowOnly, readDevice } from '../sessions/device.ts'
import { noticeTo, originOf } from '../sessions/notice.ts'
import { revokeSessions } from '../sessions/revoke.ts'
import { proveOwnPassword } from './prove-password.ts'

const schema = z.object({
  currentPassword: givenPasswordField,
  newPassword: passwordField,
  deviceToken: z.string().nullish(),
})

/**
 * Sets a new password, ends the account's other sessions and forgets its other devices in the same transaction. Of two changes at
 * once one wins: the other's password is no longer the current one.
 * @throws AuthError BAD_USER_INPUT, INVALID_CREDENTIALS, RATE_LIMITED, SERVICE_UNAVAILABLE; UNAUTHENTICATED
 *   when the session was ended meanwhile
 */
export async function changePassword(
  app: App,
  input: unknown,
  viewer: Viewer,
  request: RequestFacts,
): Promise<Account> {
  const { currentPassword, newPassword, deviceToken } = checkInput(schema, input)
  const { passwordHash } = await proveOwnPassword(app, viewer, currentPassword, request)
  const { id, email, username, displayName } = viewer.account
  await requireGoodPassword(app, newPassword, 'input.newPassword', [email, username, displayName])
  const newHash = await app.hasher.hash(newPassword)
  const now = app.clock.now()
  await app.db.$transaction(async tx => {
    const changed = await tx.user.updateMany({
      where: { id, passwordHash },
      data: { passwordHash: newHash, passwordChangedAt: now, updatedAt: now },
    })
    if (changed.count === 0) throw new AuthError('INVALID_CREDENTIALS', { cause: 'changed meanwhile' })
    await endTokens(app, tx, id)
    await knowOnly(app, tx, id, readDevice(app, deviceToken) ?? readDevice(app, request.deviceCookie))
    await revokeSessions(
      app,
      { userId: id, keptId: viewer.session.id },
      { action: 'session.revoked', request, actorId: id, detail: { because: 'password changed' } },
      tx,
    )
    await tx.session.updateMany({ where: { id: viewer.session.id }, data: { authenticatedAt: now } })
    await record(tx, request, { action: 'user.password_changed', at: now, actorId: id, subjectId: id })
    const notice = noticeTo(app, viewer.account, 'password-changed', originOf(app, request))
    await queueNotice(app, tx, viewer.account, notice)
  })
  return requireAccount(app, id)
}
