import type { App } from '../../app.ts'
import type { ProviderSettings } from '../../provider-settings/settings.ts'
import type { Claims } from './dialect.ts'
import { clientOf } from './discovery.ts'
import { toProviderError } from './failure.ts'
import type { ProviderTokens } from './provider.ts'
import { toProviderTokens } from './token-response.ts'

/**
 * Exchanges the authorization code that Apple gave to an app beside the ID token, for tokens that can be revoked when
 * the person leaves. The person is proved already, so a code that is refused is only logged. Null for other providers.
 */
export async function redeemNativeCode(
  app: App,
  provider: ProviderSettings,
  code: string,
  claims: Claims,
): Promise<ProviderTokens | null> {
  if (provider.type !== 'apple') return null
  // The code is for the app that asked, which is a client of its own.
  const audience = [claims.aud].flat()[0]
  const native = { ...provider, clientId: String(audience) }
  try {
    const { configuration, openid } = await clientOf(app, native)
    const response = await openid.genericGrantRequest(configuration, 'authorization_code', { code })
    // Another person's tokens would be revoked in place of this one's.
    if (response.claims()?.sub !== claims.sub) return null
    return toProviderTokens(app, native, response)
  } catch (error) {
    const { cause } = toProviderError(provider.id, error)
    app.log.warn({ err: cause }, 'an authorization code of an app was not accepted')
    return null
  }
}
