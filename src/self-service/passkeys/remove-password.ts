import { requireAccount } from '../../accounts/account.ts'
import { newCredentialVersion } from '../../accounts/credential-version.ts'
import { emailOriginOf, securityNotice } from '../../accounts/security-notice.ts'
import type { App } from '../../app.ts'
import { record } from '../../audit/record.ts'
import type { Account, RequestInfo, Viewer } from '../../context.ts'
import { AuthError } from '../../errors.ts'
import { queueNotice } from '../../mail/notices.ts'
import { endTokens } from '../../one-time-tokens/token.ts'
import { requireRecentSignIn } from '../../sessions/assurance.ts'
import { revokeSessions } from '../../sessions/revoke.ts'
import { requireWayIn } from '../../ways-in.ts'

/**
 * Removes the viewer's password, if there is another way in: see ways-in.ts. Ends the other sessions and the links that
 * were emailed to set a password. The owner can set a new one with “Forgot password”.
 * @throws AuthError REAUTHENTICATION_REQUIRED, STEP_UP_REQUIRED; CONFLICT if it is the only way in, or if there is none;
 *   UNAUTHENTICATED if the session has ended since the request was authenticated
 */
export async function removePassword(app: App, viewer: Viewer, request: RequestInfo): Promise<Account> {
  const session = await requireRecentSignIn(app, viewer)
  const { account } = viewer
  const { id } = account
  const at = app.clock.now()
  await app.db.$transaction(async tx => {
    const removed = await tx.user.updateMany({
      where: { id, passwordHash: { not: null }, disabledAt: null },
      data: { passwordHash: null, passwordChangedAt: null, updatedAt: at, ...newCredentialVersion },
    })
    if (removed.count === 0) throw new AuthError('CONFLICT', { message: 'Your account has no password.' })
    await requireWayIn(app, tx, id)
    await endTokens(app, tx, id)
    await revokeSessions(
      app,
      { userId: id, keptId: session.id },
      { action: 'session.revoked', request, actorId: id, detail: { because: 'password removed' } },
      tx,
    )
    await record(tx, request, { action: 'user.password_removed', at, actorId: id, subjectId: id })
    const notice = securityNotice(app, account, 'password-removed', emailOriginOf(app, request))
    await queueNotice(app, tx, account, notice)
  })
  return requireAccount(app, id)
}
