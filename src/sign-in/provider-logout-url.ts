import type { App } from '../app.ts'
import type { Viewer } from '../context.ts'
import { findProvider } from '../credentials/provider/provider.ts'
import { endSessionUrl } from '../credentials/provider/tokens.ts'
import { statement } from '../database/client.ts'
import { requireSession } from '../sessions/require-session.ts'
import { requireReturnAddress } from './return-address.ts'

const selectProvider = statement<[provider: string]>(
  'provider-of-session',
  'SELECT i.provider FROM sessions s JOIN identities i ON i.id = s.identity_id WHERE s.id = $1',
)

/**
 * The provider's page at which the browser signs out of the provider too, if the session started with a provider that has
 * one. Null otherwise. Ends nothing here.
 * @throws AuthError BAD_USER_INPUT, PROVIDER_FAILED
 */
export async function providerLogoutUrl(app: App, returnTo: string, viewer: Viewer): Promise<string | null> {
  const address = requireReturnAddress(app, returnTo, 'returnTo')
  const [row] = await selectProvider(app.pool, [requireSession(viewer).session.id])
  const provider = row && findProvider(app, row[0])
  if (!provider) return null
  return (await endSessionUrl(app, provider, address))?.href ?? null
}
