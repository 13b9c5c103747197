import type { App } from '../../app.ts'
import type { Viewer } from '../../context.ts'
import { authenticationOptions } from '../../credentials/passkey/ceremony.ts'
import { sealCeremony } from '../../credentials/passkey/ceremony-ticket.ts'
import type { PasskeyCeremony } from '../../credentials/passkey/passkey.types.ts'
import { requirePasskeys, toDescriptor, usablePasskeysOf } from '../../credentials/passkey/stored.ts'
import { AuthError } from '../../errors.ts'

/**
 * Begins to prove again who uses the viewer's session, with a passkey or a security key of the account.
 * @throws AuthError CONFLICT with PASSKEYS=off, or if the account has neither
 */
export async function beginPasskeyProof(app: App, { account, via }: Viewer): Promise<PasskeyCeremony> {
  requirePasskeys(app)
  const passkeys = await usablePasskeysOf(app, account.id)
  if (passkeys.length === 0) throw new AuthError('CONFLICT', { message: 'Your account has no passkey.' })
  const session = { userId: account.id, sessionId: via.session.id }
  const { ticket, expiresAt } = sealCeremony(app, 'passkeyProof', session)
  // A security key may be unable to verify the person. The answer says whether it did.
  const userVerification = passkeys.some(({ discoverable }) => discoverable) ? 'preferred' : 'discouraged'
  const allow = passkeys.map(toDescriptor)
  const options = await authenticationOptions(app.config.passkeys, ticket, { allow, userVerification })
  return { ticket, options, expiresAt }
}
