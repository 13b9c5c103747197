import type { App } from '../app.ts'
import { record } from '../audit/record.ts'
import type { RequestInfo } from '../context.ts'
import type { ProviderProfile } from '../credentials/provider/provider.ts'
import { keepOnlyDevice } from '../devices/device.ts'
import type { User } from '../generated/prisma/client.ts'
import { endTokens } from '../one-time-tokens/token.ts'
import { countProviderOutcome } from '../provider-outcomes.ts'
import { revokeSessions } from '../sessions/revoke.ts'
import { removeUnprovedCredentials } from './first-mailbox-proof.ts'
import { addIdentity, isIdentityTaken } from './new-identity.ts'

/**
 * Gives an account with an unproved address to the owner of the address, for whom the provider answers. The person who
 * registered it keeps nothing: the password, factors, identities, sessions, known devices and emailed links end in the
 * same transaction. Changes nothing if the account has changed, or if another request was first.
 */
export async function takeOver(
  app: App,
  account: User,
  profile: ProviderProfile,
  request: RequestInfo,
): Promise<void> {
  const { id, credentialVersion } = account
  const { provider } = profile
  try {
    const taken = await app.db.$transaction(async tx => {
      // The account may hold a permission by now.
      if (!(await removeUnprovedCredentials(app, tx, account, request, { credentialVersion }))) return false
      const identity = await addIdentity(app, tx, id, profile)
      await endTokens(app, tx, id)
      await tx.emailLogin.deleteMany({ where: { userId: id } })
      await keepOnlyDevice(app, tx, id, undefined)
      const detail = { because: 'address verified for the first time' }
      const revoked = { action: 'session.revoked', request, actorId: id, detail } as const
      await revokeSessions(app, { userId: id }, revoked, tx)
      await record(tx, request, {
        action: 'identity.linked',
        at: app.clock.now(),
        actorId: id,
        subjectId: id,
        detail: { provider, identityId: identity.id },
      })
      return true
    })
    if (taken) countProviderOutcome(app, provider, 'taken_over')
  } catch (error) {
    if (!isIdentityTaken(error)) throw error
  }
}
