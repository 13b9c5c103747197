import { hash } from 'node:crypto'
import type { App } from '../../app.ts'
import { isSafe } from '../../provider-settings/read.ts'
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
  const parameters: Record<string, string> = {
    redirect_uri: new URL(request.redirectUri).href,
    state: request.state,
    code_challenge: challengeOf(request.verifier),
    code_challenge_method: 'S256',
  }
  const { scopeSeparator = ' ' } = dialect
  if (provider.scopes.length > 0) parameters.scope = provider.scopes.join(scopeSeparator)
  if (dialect.proof === 'claims') parameters.nonce = request.nonce
  if (dialect.responseMode) parameters.response_mode = dialect.responseMode
  if (provider.keepTokens) Object.assign(parameters, dialect.offlineAccess)
  if (request.prompt) Object.assign(parameters, promptOf(dialect, request.prompt))
  if (request.loginHint) Object.assign(parameters, hintOf(dialect, request.loginHint))
  let url: URL
  try {
    url = openid.buildAuthorizationUrl(configuration, parameters)
  } catch (error) {
    throw toProviderError(provider.id, error)
  }
  if (!isSafe(url, app.config.production)) throw providerFailed(provider.id, 'insecure address')
  return url
}

/** The challenge of a verifier (RFC 7636, method S256). The library's own takes a trip through the thread pool. */
export function challengeOf(verifier: string): string {
  return hash('sha256', verifier, 'base64url')
}

function promptOf(
  dialect: Dialect,
  prompt: NonNullable<AuthorizationRequest['prompt']>,
): Readonly<Record<string, string>> {
  if (prompt === 'login') return dialect.freshSignIn ?? {}
  return dialect.chooseAccount ?? {}
}

function hintOf({ loginHint = 'login_hint' }: Dialect, hint: string): Record<string, string> {
  return loginHint ? { [loginHint]: hint } : {}
}
