import { findAccounts } from '../../accounts/account.ts'
import type { App } from '../../app.ts'
import { recordDeniedAccess } from '../../audit/denied-access.ts'
import { record } from '../../audit/record.ts'
import { usableTokens } from '../../credentials/provider/kept-tokens.ts'
import { findProvider, type ProviderTokens } from '../../credentials/provider/provider.ts'
import { isId } from '../../database/client.ts'
import { AuthError } from '../../errors.ts'
import type { Caller } from '../administer.ts'

/**
 * An access token with which a service of the operator uses a provider's API for an account. Recorded in the audit log,
 * without the token. The caller must hold every permission of the account, as for changes to it.
 * @throws AuthError NOT_FOUND, PROVIDER_FAILED, SERVICE_UNAVAILABLE; FORBIDDEN for an account with more permissions
 */
export async function providerToken(
  app: App,
  { userId, provider: providerId }: { userId: string; provider: string },
  { viewer, request, operation }: Caller,
): Promise<ProviderTokens> {
  const account = isId(userId) ? (await findAccounts(app, [userId])).get(userId) : undefined
  if (!account) throw new AuthError('NOT_FOUND', { message: 'There is no account with this ID.' })
  const actorId = viewer.account.id
  if (!account.permissions.every(held => viewer.account.permissions.includes(held))) {
    await recordDeniedAccess(app, request, actorId, `Query.${operation}`)
    throw new AuthError('FORBIDDEN')
  }
  const provider = findProvider(app, providerId)
  if (!provider) throw new AuthError('NOT_FOUND', { message: 'There is no provider with this ID.' })
  const tokens = await usableTokens(app, provider, userId)
  await record(app.db, request, {
    action: 'identity.token_used',
    at: app.clock.now(),
    actorId,
    subjectId: userId,
    detail: { provider: providerId },
  })
  return tokens
}
