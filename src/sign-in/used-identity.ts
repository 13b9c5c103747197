import type { App } from '../app.ts'
import type { Claim } from '../credentials/proof.ts'
import type { ProviderProfile } from '../credentials/provider/provider.ts'
import type { Identity } from '../generated/prisma/client.ts'
import { sealedTokensOf } from './new-identity.ts'
import { flowEnded } from './provider-flow.ts'

/**
 * Requires that the account still has the identity when its session starts, and stores what the provider said. Apple
 * tells the name only once, so what is missing stays as it was.
 */
export function usedIdentity(app: App, { id, userId }: Identity, profile: ProviderProfile): Claim {
  return {
    name: 'identity',
    sql: first =>
      `UPDATE identities SET last_used_at = $${first}::timestamptz, email = coalesce($${first + 1}, email),
         display_name = coalesce($${first + 2}, display_name),
         sealed_tokens = coalesce($${first + 3}::text, sealed_tokens),
         token_version = token_version + CASE WHEN $${first + 3}::text IS NULL THEN 0 ELSE 1 END
       FROM account WHERE identities.id = $${first + 4}::uuid AND identities.user_id = $${first + 5}::uuid
       RETURNING 1`,
    values: [app.clock.now(), profile.email, profile.displayName, sealedTokensOf(app, profile), id, userId],
    lost: () => flowEnded('the identity was disconnected'),
  }
}
