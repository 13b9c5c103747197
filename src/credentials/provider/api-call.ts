import type { App } from '../../app.ts'
import type { ProviderSettings } from '../../provider-settings/settings.ts'
import { boundedFetch } from './bounded-fetch.ts'
import type { ApiCall } from './dialect.ts'
import { appSecretProof } from './dialects/facebook.ts'
import { providerFailed, toProviderError } from './failure.ts'

/** What providers answer where the token's scopes do not reach. */
const OUT_OF_SCOPE = [403, 404]

/**
 * Asks the API of a provider as the person with this access token. Undefined where the token's scopes do not reach.
 * @throws AuthError PROVIDER_FAILED
 */
export function apiCall(app: App, provider: ProviderSettings, accessToken: string): ApiCall {
  const fetchBounded = boundedFetch(app.config.production)
  return async address => {
    const url = new URL(address)
    if (provider.type === 'facebook' && provider.clientSecret) {
      url.searchParams.set('appsecret_proof', appSecretProof(accessToken, provider.clientSecret))
    }
    let response: Response
    try {
      response = await fetchBounded(url.href, {
        headers: { authorization: `Bearer ${accessToken}`, accept: 'application/json' },
      })
    } catch (error) {
      throw toProviderError(provider.id, error)
    }
    if (OUT_OF_SCOPE.includes(response.status)) return undefined
    if (!response.ok) throw providerFailed(provider.id, 'provider API', String(response.status))
    try {
      return JSON.parse(await response.text())
    } catch {
      throw providerFailed(provider.id, 'provider API')
    }
  }
}
