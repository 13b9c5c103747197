import { requireAccount } from '../accounts/account.ts'
import { newCredentialVersion } from '../accounts/credential-version.ts'
import type { App } from '../app.ts'
import { record } from '../audit/record.ts'
import type { Account, RequestInfo, Viewer } from '../context.ts'
import { hasUsableFactor } from '../credentials/has-factor.ts'
import type { Queryable } from '../database/client.ts'
import { AuthError, unauthenticated } from '../errors.ts'
import { requireRecentSignIn } from '../sessions/assurance.ts'
import { revokeSessions } from '../sessions/revoke.ts'
import { usableDomain } from '../ways-in.ts'

/**
 * Requires a second factor at every sign-in to the viewer's account, or no longer requires one. Turning it on ends the
 * account's other sessions, which may have started with a password alone. An authenticator app requires one anyway, and
 * so may a role. Does nothing if nothing would change.
 * @throws AuthError REAUTHENTICATION_REQUIRED, STEP_UP_REQUIRED; CONFLICT if the account has no second factor;
 *   UNAUTHENTICATED if the session has ended since the request was authenticated
 */
export async function requireSecondFactor(
  app: App,
  required: boolean,
  viewer: Viewer,
  request: RequestInfo,
): Promise<Account> {
  const session = await requireRecentSignIn(app, viewer)
  const { id } = viewer.account
  const at = app.clock.now()
  await app.db.$transaction(async tx => {
    const before = await lockAccount(app, tx, id)
    if (before.required === required) return
    if (required && !before.hasFactor) {
      throw new AuthError('CONFLICT', {
        message: 'Add a passkey, a security key or an authenticator app first.',
      })
    }
    await tx.user.update({
      where: { id },
      data: { secondFactorRequired: required, updatedAt: at, ...newCredentialVersion },
    })
    const detail = { before: { required: before.required }, after: { required } }
    await record(tx, request, {
      action: 'factor.requirement_changed',
      at,
      actorId: id,
      subjectId: id,
      detail,
    })
    if (!required) return
    const others = { userId: id, keptId: session.id }
    const because = { because: 'second factor required' }
    await revokeSessions(
      app,
      others,
      { action: 'session.revoked', request, actorId: id, detail: because },
      tx,
    )
  })
  return requireAccount(app, id)
}

type Locked = { required: boolean; hasFactor: boolean }

/** Locks the account, so that its last factor is not removed at the same time. */
async function lockAccount(app: App, tx: Queryable, id: string): Promise<Locked> {
  await tx.$queryRaw`SELECT FROM users WHERE id = ${id}::uuid FOR NO KEY UPDATE`
  const [locked] = await tx.$queryRawUnsafe<Locked[]>(
    `SELECT u.second_factor_required AS required, ${hasUsableFactor('$2')} AS "hasFactor"
     FROM users u WHERE u.id = $1::uuid AND u.disabled_at IS NULL`,
    id,
    usableDomain(app),
  )
  if (!locked) throw unauthenticated('REVOKED')
  return locked
}
