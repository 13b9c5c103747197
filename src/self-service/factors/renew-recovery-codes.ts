import { newCredentialVersion } from '../../accounts/credential-version.ts'
import { emailOriginOf, securityNotice } from '../../accounts/security-notice.ts'
import type { App } from '../../app.ts'
import { record } from '../../audit/record.ts'
import type { RequestInfo, Viewer } from '../../context.ts'
import { newRecoveryCodeSet } from '../../credentials/recovery-code-set.ts'
import { AuthError } from '../../errors.ts'
import { queueNotice } from '../../mail/notices.ts'
import { countAttempt } from '../../rate-limit/limit.ts'
import { requireRecentSignIn } from '../../sessions/assurance.ts'
import { hasFactor, meansOf } from '../../sessions/step-up-required.ts'

/**
 * Replaces the viewer's recovery codes and returns the new ones, which are shown only here. Of two simultaneous renewals,
 * one wins.
 * @throws AuthError STEP_UP_REQUIRED, RATE_LIMITED, SERVICE_UNAVAILABLE; CONFLICT without a second factor, or if the
 *   account has changed in the meantime
 */
export async function renewRecoveryCodes(app: App, viewer: Viewer, request: RequestInfo): Promise<string[]> {
  await requireRecentSignIn(app, viewer)
  const { account } = viewer
  const { id, credentialVersion } = account
  if (!hasFactor(await meansOf(app, id))) {
    throw new AuthError('CONFLICT', {
      message: 'Add a passkey, a security key or an authenticator app first.',
    })
  }
  await countAttempt(app, [{ rule: 'profile.account', subject: id }], request)
  const { shown, rows } = await newRecoveryCodeSet(app, id)
  const at = app.clock.now()
  await app.db.$transaction(async tx => {
    const changed = await tx.user.updateMany({
      where: { id, credentialVersion, disabledAt: null },
      data: { updatedAt: at, ...newCredentialVersion },
    })
    if (changed.count === 0) throw new AuthError('CONFLICT', { cause: 'the account has changed' })
    await tx.recoveryCode.deleteMany({ where: { userId: id } })
    await tx.recoveryCode.createMany({ data: rows.map(row => ({ ...row, userId: id })) })
    await record(tx, request, { action: 'recovery_code.renewed', at, actorId: id, subjectId: id })
    const notice = securityNotice(app, account, 'recovery-codes-renewed', emailOriginOf(app, request))
    await queueNotice(app, tx, account, notice)
  })
  return shown
}
