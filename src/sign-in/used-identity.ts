import type { App } from '../app.ts'
import type { Claim } from '../credentials/proof.ts'
import type { ProviderProfile } from '../credentials/provider/provider.ts'
import { openTokens, sealTokens } from '../credentials/provider/tokens.ts'
import type { Identity } from '../generated/prisma/client.ts'
import { flowEnded } from './provider-flow.ts'

/**
 * Requires that the account still has the identity when its session starts, and stores what the provider said. Apple
 * tells the name only once, so what is missing stays as it was.
 */
export function usedIdentity(app: App, identity: Identity, profile: ProviderProfile): Claim {
  const { id, userId } = identity
  return {
    name: 'identity',
    sql: first =>
      `UPDATE identities SET last_used_at = $${first}::timestamptz, email = coalesce($${first + 1}, email),
         display_name = coalesce($${first + 2}, display_name),
         sealed_tokens = coalesce($${first + 5}::text, sealed_tokens),
         token_version = token_version + ($${first + 5}::text IS NOT NULL)::int
       FROM account WHERE identities.id = $${first + 3}::uuid AND identities.user_id = $${first + 4}::uuid
       RETURNING 1`,
    values: [
      app.clock.now(),
      profile.email,
      profile.displayName,
      id,
      userId,
      newTokens(app, identity, profile),
    ],
    lost: () => flowEnded('the identity was disconnected'),
  }
}

/**
 * The tokens to keep from now on, sealed. Null if the sign-in brought none, so that earlier ones stay. Some providers,
 * such as Google, issue a refresh token at the first sign-in only.
 */
function newTokens(
  app: App,
  { provider, sealedTokens }: Identity,
  { tokens }: ProviderProfile,
): string | null {
  if (!tokens) return null
  const before = sealedTokens === null ? undefined : openTokens(app, provider, sealedTokens)
  const refreshToken =
    tokens.refreshToken ?? (before?.clientId === tokens.clientId ? before.refreshToken : null)
  return sealTokens(app, provider, { ...tokens, refreshToken })
}
