import type { TokenEndpointResponse, TokenEndpointResponseHelpers } from 'openid-client'
import type { App } from '../../app.ts'
import type { ProviderSettings } from '../../provider-settings/settings.ts'
import type { ProviderTokens } from './provider.ts'

export type TokenResponse = TokenEndpointResponse & TokenEndpointResponseHelpers

/**
 * The tokens of a response of the token endpoint (RFC 6749, section 5.1). A provider that rotates no refresh token
 * repeats none, so `before` stays.
 */
export function toProviderTokens(
  app: App,
  provider: ProviderSettings,
  response: TokenResponse,
  before?: ProviderTokens,
): ProviderTokens {
  const { access_token, refresh_token, expires_in, scope } = response
  const nowMs = app.clock.now().getTime()
  return {
    clientId: provider.clientId,
    accessToken: access_token,
    refreshToken: refresh_token ?? before?.refreshToken ?? null,
    expiresAt: expires_in === undefined ? null : new Date(nowMs + expires_in * 1000),
    scopes: scope?.split(/[\s,]+/).filter(Boolean) ?? before?.scopes ?? provider.scopes,
  }
}
