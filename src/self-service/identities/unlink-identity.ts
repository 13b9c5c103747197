import { requireAccount } from '../../accounts/account.ts'
import { newCredentialVersion } from '../../accounts/credential-version.ts'
import { emailOriginOf, securityNotice } from '../../accounts/security-notice.ts'
import type { App } from '../../app.ts'
import { record } from '../../audit/record.ts'
import type { Account, RequestInfo, Viewer } from '../../context.ts'
import { findProvider } from '../../credentials/provider/provider.ts'
import { isId, type Queryable } from '../../database/client.ts'
import { AuthError, unauthenticated } from '../../errors.ts'
import type { Identity } from '../../generated/prisma/client.ts'
import { queueNotice } from '../../mail/notices.ts'
import { requireRecentSignIn } from '../../sessions/assurance.ts'
import { revokeSessions } from '../../sessions/revoke.ts'
import { requireWayIn } from '../../ways-in.ts'

/**
 * Disconnects an identity from the viewer's account, ends the other sessions and every ticket, and notifies the owner.
 * The lock on the account's row orders simultaneous removals, so that a way to sign in remains.
 * @throws AuthError REAUTHENTICATION_REQUIRED, STEP_UP_REQUIRED; NOT_FOUND if the viewer has no such identity; CONFLICT
 *   for the last way to sign in; UNAUTHENTICATED if the session has ended since the request was authenticated
 */
export async function unlinkIdentity(
  app: App,
  identityId: string,
  viewer: Viewer,
  request: RequestInfo,
): Promise<Account> {
  const session = await requireRecentSignIn(app, viewer)
  if (!isId(identityId)) throw notFound()
  const { account } = viewer
  const { id } = account
  const at = app.clock.now()
  await app.db.$transaction(async tx => {
    const locked = await tx.user.updateMany({
      where: { id, disabledAt: null },
      data: { updatedAt: at, ...newCredentialVersion },
    })
    if (locked.count === 0) throw unauthenticated('REVOKED')
    const { provider } = await remove(tx, identityId, id)
    await requireWayIn(app, tx, id)
    await revokeSessions(
      app,
      { userId: id, keptId: session.id },
      { action: 'session.revoked', request, actorId: id, detail: { because: 'identity disconnected' } },
      tx,
    )
    const event = { action: 'identity.unlinked', at, actorId: id, subjectId: id } as const
    await record(tx, request, { ...event, detail: { provider, identityId } })
    const facts = { ...emailOriginOf(app, request), provider: findProvider(app, provider)?.name ?? provider }
    await queueNotice(app, tx, account, securityNotice(app, account, 'identity-removed', facts))
  })
  return requireAccount(app, id)
}

async function remove(tx: Queryable, id: string, userId: string): Promise<Identity> {
  const identity = await tx.identity.findFirst({ where: { id, userId } })
  if (!identity) throw notFound()
  await tx.identity.delete({ where: { id } })
  return identity
}

function notFound(): AuthError {
  return new AuthError('NOT_FOUND', { message: 'Your account has no identity with this ID.' })
}
