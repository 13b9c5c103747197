import { createHash } from 'node:crypto'
import type { App } from '../../app.ts'
import { isSafeUrl } from '../../provider-settings/read.ts'
import type { ProviderSettings } from '../../provider-settings/settings.ts'
import type { Dialect } from './dialect.ts'
import { dialectOf } from './dialects/dialects.ts'
import { clientOf } from './discovery.ts'
import { providerFailed, toProviderError } from './failure.ts'
import type { FlowSecrets } from './provider.ts'

export type AuthorizationRequest = FlowSecrets & {
  /** See `redirectUriOf`. */
  redirectUri: string
  /** The address to sign in with, if the person has entered it. Providers that take none ignore it. */
  loginHint?: string | null | undefined
  /** login: the provider asks again who the person is, if it can. select_account: the person chooses the account. */
  prompt?: 'login' | 'select_account' | undefined
}

/**
 * The address of the provider's page for a sign-in: with state, nonce and a PKCE challenge (S256, RFC 7636).
 * @throws AuthError PROVIDER_FAILED while the provider is not known and cannot be reached
 */
export async function authorizationUrl(
  app: App,
  provider: ProviderSettings,
  request: AuthorizationRequest,
): Promise<URL> {
  const dialect = dialectOf(provider)
  const { configuration, openid } = await clientOf(app, provider)
  // The library's own takes a trip through the thread pool.
  const challenge = createHash('sha256').update(request.verifier).digest('base64url')
  let url: URL
  try {
    url = openid.buildAuthorizationUrl(configuration, {
      redirect_uri: new URL(request.redirectUri).href,
      ...scopeOf(provider, dialect),
      state: request.state,
      ...(dialect.proof === 'claims' && { nonce: request.nonce }),
      code_challenge: challenge,
      code_challenge_method: 'S256',
      ...(dialect.responseMode && { response_mode: dialect.responseMode }),
      ...(provider.keepTokens && dialect.offlineAccess),
      ...promptOf(dialect, request.prompt),
      ...hintOf(dialect, request.loginHint),
    })
  } catch (error) {
    throw toProviderError(provider.id, error)
  }
  if (!isSafeUrl(url.href, app.config.production)) throw providerFailed(provider.id, 'insecure address')
  return url
}

function scopeOf({ scopes }: ProviderSettings, { scopeSeparator = ' ' }: Dialect): { scope?: string } {
  return scopes.length > 0 ? { scope: scopes.join(scopeSeparator) } : {}
}

function promptOf(
  dialect: Dialect,
  prompt: AuthorizationRequest['prompt'],
): Readonly<Record<string, string>> {
  if (prompt === 'login') return dialect.freshSignIn ?? {}
  return prompt === 'select_account' ? (dialect.chooseAccount ?? {}) : {}
}

function hintOf(
  { loginHint = 'login_hint' }: Dialect,
  hint: string | null | undefined,
): Record<string, string> {
  return hint && loginHint ? { [loginHint]: hint } : {}
}
