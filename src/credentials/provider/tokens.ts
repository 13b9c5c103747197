import type { App } from '../../app.ts'
import { seal, unseal } from '../../crypto/seal.ts'
import { isSafeUrl } from '../../provider-settings/read.ts'
import type { ProviderSettings } from '../../provider-settings/settings.ts'
import { clientOf } from './discovery.ts'
import { providerFailed, toProviderError } from './failure.ts'
import type { ProviderTokens } from './provider.ts'
import { toProviderTokens } from './token-response.ts'

/**
 * Seals tokens of the provider with this ID under a server key, so that replacing AUTHOGRAPH_SECRET changes no row. They
 * are never opened for another provider, which would receive them.
 */
export function sealTokens(app: App, providerId: string, tokens: ProviderTokens): string {
  return seal(Buffer.from(JSON.stringify(tokens)), `provider tokens ${providerId}`, keyOf(app))
}

/** The tokens that `sealTokens` sealed for the same provider. @throws Error if they were sealed for another */
export function openTokens(app: App, providerId: string, sealed: string): ProviderTokens {
  const keys = { current: keyOf(app), previous: [] }
  const { plain } = unseal(sealed, `provider tokens ${providerId}`, keys)
  const tokens = JSON.parse(plain.toString()) as ProviderTokens & { expiresAt: string | null }
  return { ...tokens, expiresAt: tokens.expiresAt === null ? null : new Date(tokens.expiresAt) }
}

function keyOf({ keys }: App) {
  return { id: 'provider', key: keys.providerTokens }
}

/**
 * New tokens for a refresh token (RFC 6749, section 6).
 * @throws AuthError PROVIDER_FAILED; the cause's code is `invalid_grant` if the provider has ended the old ones
 */
export async function refreshTokens(
  app: App,
  provider: ProviderSettings,
  tokens: ProviderTokens,
): Promise<ProviderTokens> {
  if (tokens.refreshToken === null) throw providerFailed(provider.id, 'token endpoint', 'no_refresh_token')
  const client = { ...provider, clientId: tokens.clientId }
  const { configuration, openid } = await clientOf(app, client)
  try {
    const response = await openid.refreshTokenGrant(configuration, tokens.refreshToken)
    return toProviderTokens(app, client, response, tokens)
  } catch (error) {
    throw toProviderError(provider.id, error)
  }
}

/**
 * Ends the tokens at the provider (RFC 7009). Returns false if the provider offers no way to.
 * @throws AuthError PROVIDER_FAILED; worth another attempt
 */
export async function revokeTokens(
  app: App,
  provider: ProviderSettings,
  tokens: ProviderTokens,
): Promise<boolean> {
  const { configuration, metadata, openid } = await clientOf(app, { ...provider, clientId: tokens.clientId })
  if (metadata.revocation_endpoint === undefined) return false
  const { refreshToken, accessToken } = tokens
  try {
    await openid.tokenRevocation(configuration, refreshToken ?? accessToken, {
      token_type_hint: refreshToken === null ? 'access_token' : 'refresh_token',
    })
    return true
  } catch (error) {
    throw toProviderError(provider.id, error)
  }
}

/**
 * Where the browser signs out of the provider too (OpenID Connect RP-Initiated Logout). Has no token in it, so the
 * provider may ask the person. Null if the provider offers no way to.
 * @throws AuthError PROVIDER_FAILED
 */
export async function endSessionUrl(
  app: App,
  provider: ProviderSettings,
  returnTo: string,
): Promise<URL | null> {
  const { configuration, metadata, openid } = await clientOf(app, provider)
  if (metadata.end_session_endpoint === undefined) return null
  if (!isSafeUrl(metadata.end_session_endpoint, app.config.production)) return null
  try {
    return openid.buildEndSessionUrl(configuration, { post_logout_redirect_uri: returnTo })
  } catch (error) {
    throw toProviderError(provider.id, error)
  }
}
