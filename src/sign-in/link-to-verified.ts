import { emailOriginOf, securityNotice } from '../accounts/security-notice.ts'
import type { App } from '../app.ts'
import type { RequestInfo } from '../context.ts'
import type { ProviderProfile } from '../credentials/provider/provider.ts'
import { findProvider } from '../credentials/provider/provider.ts'
import type { Queryable } from '../database/client.ts'
import type { User } from '../generated/prisma/client.ts'
import { queueNotice } from '../mail/notices.ts'
import { countProviderOutcome } from '../provider-outcomes.ts'
import { connectIdentity, isIdentityTaken } from './new-identity.ts'

/**
 * Connects an identity to the verified account that has its address, and notifies the owner. Changes nothing if the
 * account has changed, or if another request was first.
 */
export async function linkToVerified(
  app: App,
  account: User,
  profile: ProviderProfile,
  request: RequestInfo,
): Promise<void> {
  try {
    const linked = await app.db.$transaction(async tx => {
      if (!(await connectIdentity(app, tx, account, profile, request))) return false
      await notifyOfIdentity(app, tx, account, profile, request)
      return true
    })
    if (linked) countProviderOutcome(app, profile.provider, 'linked')
  } catch (error) {
    if (!isIdentityTaken(error)) throw error
  }
}

/** Notifies the owner of an account of its new identity, in the caller's transaction. Call it last: see `queueNotice`. */
export async function notifyOfIdentity(
  app: App,
  tx: Queryable,
  account: Pick<User, 'id' | 'email' | 'locale' | 'emailVerifiedAt'>,
  { provider }: Pick<ProviderProfile, 'provider'>,
  request: RequestInfo,
): Promise<void> {
  const name = findProvider(app, provider)?.name ?? provider
  const facts = { ...emailOriginOf(app, request), provider: name }
  await queueNotice(app, tx, account, securityNotice(app, account, 'identity-added', facts))
}
