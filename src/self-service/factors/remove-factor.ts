import { requireAccount } from '../../accounts/account.ts'
import { newCredentialVersion } from '../../accounts/credential-version.ts'
import { emailOriginOf, securityNotice } from '../../accounts/security-notice.ts'
import type { App } from '../../app.ts'
import { record } from '../../audit/record.ts'
import type { Account, RequestInfo, Viewer } from '../../context.ts'
import { demandedOnEveryDevice } from '../../credentials/demand.ts'
import { hasUsableFactor } from '../../credentials/has-factor.ts'
import type { Queryable } from '../../database/client.ts'
import { AuthError, unauthenticated } from '../../errors.ts'
import { queueNotice } from '../../mail/notices.ts'
import type { FactorKind } from '../../mail/texts.ts'
import { requireRecentSignIn } from '../../sessions/assurance.ts'
import { revokeSessions } from '../../sessions/revoke.ts'
import { usableDomain } from '../../ways-in.ts'

export type FactorRemoval = {
  factor: FactorKind
  /** Deletes the factor in the transaction, with the account's row locked. False if there is none. */
  remove: (tx: Queryable) => Promise<boolean>
}

/** The viewer's authenticator app. */
export function removeTotp(app: App, viewer: Viewer, request: RequestInfo): Promise<Account> {
  const { id: userId } = viewer.account
  const remove = async (tx: Queryable) => (await tx.totp.deleteMany({ where: { userId } })).count > 0
  return removeFactor(app, viewer, { factor: 'TOTP', remove }, request)
}

/**
 * Removes a factor of the viewer, which takes what a full sign-in takes. Ends the other sessions, every ticket and the
 * trust in devices. With the last factor, the recovery codes are deleted too. The lock on the account's row orders
 * simultaneous removals, so that a demanded factor remains.
 * @throws AuthError NOT_FOUND; CONFLICT for the last factor while a role or the owner demands one; STEP_UP_REQUIRED;
 *   UNAUTHENTICATED if the session has ended since the request was authenticated
 */
export async function removeFactor(
  app: App,
  viewer: Viewer,
  { factor, remove }: FactorRemoval,
  request: RequestInfo,
): Promise<Account> {
  const session = await requireRecentSignIn(app, viewer)
  const { account } = viewer
  const { id } = account
  const at = app.clock.now()
  await app.db.$transaction(async tx => {
    const locked = await tx.user.updateMany({
      where: { id, disabledAt: null },
      data: { updatedAt: at, ...newCredentialVersion },
    })
    if (locked.count === 0) throw unauthenticated('REVOKED')
    if (!(await remove(tx))) throw new AuthError('NOT_FOUND')
    await afterLast(app, tx, id, at)
    await tx.device.updateMany({
      where: { userId: id, trustedUntil: { not: null } },
      data: { trustedUntil: null },
    })
    const detail = { because: 'second factor removed' }
    await revokeSessions(
      app,
      { userId: id, keptId: session.id },
      { action: 'session.revoked', request, actorId: id, detail },
      tx,
    )
    const removed = { action: 'factor.removed', at, actorId: id, subjectId: id } as const
    await record(tx, request, { ...removed, detail: { method: factor } })
    const notice = securityNotice(app, account, 'factor-removed', { ...emailOriginOf(app, request), factor })
    await queueNotice(app, tx, account, notice)
  })
  return requireAccount(app, id)
}

type Left = { hasFactor: boolean; demanded: boolean }

/** @throws AuthError CONFLICT if no usable factor is left although one is demanded */
async function afterLast(app: App, tx: Queryable, id: string, at: Date): Promise<void> {
  const [left] = await tx.$queryRawUnsafe<Left[]>(
    `SELECT ${hasUsableFactor('$3')} AS "hasFactor",
       u.second_factor_required OR ${demandedOnEveryDevice('$2::timestamptz')} AS demanded
     FROM users u WHERE u.id = $1::uuid`,
    id,
    at,
    usableDomain(app),
  )
  if (!left || left.hasFactor) return
  if (left.demanded) {
    throw new AuthError('CONFLICT', {
      message: 'Your account requires a second factor. Add another one before you remove this one.',
    })
  }
  await tx.recoveryCode.deleteMany({ where: { userId: id } })
}
