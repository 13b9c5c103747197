import { v7 as uuidv7 } from 'uuid'
import { newCredentialVersion } from '../accounts/credential-version.ts'
import type { App } from '../app.ts'
import { record } from '../audit/record.ts'
import type { RequestInfo } from '../context.ts'
import type { ProviderProfile } from '../credentials/provider/provider.ts'
import { sealTokens } from '../credentials/provider/tokens.ts'
import { type Queryable, violatedUnique } from '../database/client.ts'
import { AuthError } from '../errors.ts'
import type { Identity, User } from '../generated/prisma/client.ts'

/** The row of an identity that joins an account. */
export function newIdentity(app: App, userId: string, profile: ProviderProfile): Identity {
  const now = app.clock.now()
  return {
    id: uuidv7(),
    userId,
    provider: profile.provider,
    issuer: profile.issuer,
    subject: profile.subject,
    email: profile.email,
    displayName: profile.displayName,
    sealedTokens: profile.tokens && sealTokens(app, profile.provider, profile.tokens),
    tokenVersion: 0,
    refreshingUntil: null,
    createdAt: now,
    lastUsedAt: now,
  }
}

/** Adds an identity in the caller's transaction. The unique index lets one account have it. Roll back if it throws. */
export async function addIdentity(
  app: App,
  tx: Queryable,
  userId: string,
  profile: ProviderProfile,
): Promise<Identity> {
  return tx.identity.create({ data: newIdentity(app, userId, profile) })
}

/**
 * Connects an identity to an account, in the caller's transaction, if the account is enabled, verified and still as it
 * was read. That is what signs in to the account, so every ticket of the account ends. Call it first, because it locks
 * the account.
 * @returns undefined, without any change, if the account has changed
 */
export async function connectIdentity(
  app: App,
  tx: Queryable,
  { id, credentialVersion }: Pick<User, 'id' | 'credentialVersion'>,
  profile: ProviderProfile,
  request: RequestInfo,
): Promise<Identity | undefined> {
  const at = app.clock.now()
  const { count } = await tx.user.updateMany({
    where: { id, credentialVersion, disabledAt: null, emailVerifiedAt: { not: null } },
    data: { ...newCredentialVersion, updatedAt: at },
  })
  if (count === 0) return undefined
  const identity = await addIdentity(app, tx, id, profile)
  const detail = { provider: profile.provider, identityId: identity.id }
  await record(tx, request, { action: 'identity.linked', at, actorId: id, subjectId: id, detail })
  return identity
}

/** Whether an error says that an account has the identity already. */
export function isIdentityTaken(error: unknown): boolean {
  const index = violatedUnique(error)
  return index !== undefined && (index.includes('issuer') || index.includes('identities'))
}

/** The error for an identity that belongs to an account. */
export function identityTaken(cause: unknown): AuthError {
  return new AuthError('IDENTITY_TAKEN', { cause })
}
