import type { App } from '../../app.ts'
import type { ProviderSettings } from '../../provider-settings/settings.ts'
import { apiCall } from './api-call.ts'
import { baseOf, type Claims, type Dialect, type Statement } from './dialect.ts'
import { dialectOf } from './dialects/dialects.ts'
import { clientOf, type ProviderClient } from './discovery.ts'
import { isUnreachable, providerFailed, toProviderError } from './failure.ts'
import { toProfile } from './profile.ts'
import type { FlowSecrets, ProviderProfile } from './provider.ts'
import { requireSignature } from './signature.ts'
import { type TokenResponse, toProviderTokens } from './token-response.ts'
import { checkClaims, subjectOf } from './verified-claims.ts'

/**
 * Exchanges the code of a callback for what the provider says about the person. Checks state and `iss` of the callback
 * (RFC 9207), the ID token's signature and claims, and that the user info is about the same person. `callback` is the
 * query of a GET or the form of a POST.
 * @throws AuthError PROVIDER_DENIED if the person or the provider refused; PROVIDER_FAILED for anything else. The cause,
 *   a ProviderFailure, names the check that failed.
 */
export async function exchangeCode(
  app: App,
  provider: ProviderSettings,
  callback: URLSearchParams,
  flow: FlowSecrets & { redirectUri: string },
): Promise<ProviderProfile> {
  const client = await clientOf(app, provider)
  const dialect = dialectOf(provider)
  const tokens = await redeem(provider, dialect, client, callback, flow)
  const api = apiCall(app, provider, tokens.access_token)
  if (dialect.proof === 'api') {
    const statement = await dialect.read(provider, {}, api)
    return toProfile(provider, {
      issuer: baseOf(provider),
      claims: {},
      statement,
      tokens: toProviderTokens(app, provider, tokens),
    })
  }
  const claims = tokens.claims() as Claims | undefined
  if (!claims) throw providerFailed(provider.id, 'missing ID token')
  const issuer = checkClaims(app, provider, client, claims, [provider.clientId])
  const subject = subjectOf(provider, claims.sub)
  const said = await dialect.read(provider, claims, api)
  const statement = dialect.userInfo ? await complete(provider, client, tokens, subject, said) : said
  const named = { ...statement, displayName: statement.displayName ?? postedName(dialect, callback) }
  return toProfile(provider, {
    issuer,
    claims,
    statement: named,
    tokens: toProviderTokens(app, provider, tokens),
  })
}

async function redeem(
  provider: ProviderSettings,
  dialect: Dialect,
  client: ProviderClient,
  callback: URLSearchParams,
  flow: FlowSecrets & { redirectUri: string },
): Promise<TokenResponse> {
  // The library derives redirect_uri from this, so it never comes from the request.
  const url = new URL(`${flow.redirectUri}?${withoutTenantIssuer(provider, dialect, callback)}`)
  let tokens: TokenResponse
  try {
    tokens = await client.openid.authorizationCodeGrant(
      client.codeGrants,
      url,
      {
        expectedState: flow.state,
        pkceCodeVerifier: flow.verifier,
        ...(dialect.proof === 'claims' && { expectedNonce: flow.nonce, idTokenExpected: true }),
      },
      dialect.tokenParameters?.(flow.state),
    )
  } catch (error) {
    throw toProviderError(provider.id, error)
  }
  if (tokens.id_token !== undefined) await requireSignature(provider, client, tokens.id_token)
  return tokens
}

/** Where each tenant is an issuer, `iss` of the callback names the tenant, which only the ID token can confirm. */
function withoutTenantIssuer(
  provider: ProviderSettings,
  dialect: Dialect,
  callback: URLSearchParams,
): URLSearchParams {
  if (!dialect.issuerOf || !callback.get('iss')?.startsWith(`${baseOf(provider)}/`)) return callback
  const rest = new URLSearchParams(callback)
  rest.delete('iss')
  return rest
}

/** Adds the address and the name that only the user info endpoint has. An address comes with its own verification. */
async function complete(
  provider: ProviderSettings,
  { configuration, metadata, openid }: ProviderClient,
  tokens: TokenResponse,
  subject: string,
  said: Statement,
): Promise<Statement> {
  if (metadata.userinfo_endpoint === undefined) return said
  if (said.email !== undefined && said.displayName !== undefined) return said
  let info: Claims
  try {
    info = await openid.fetchUserInfo(configuration, tokens.access_token, subject)
  } catch (error) {
    const failed = toProviderError(provider.id, error)
    throw isUnreachable(failed) ? failed : providerFailed(provider.id, 'user info')
  }
  const { email, emailVerified } =
    said.email === undefined ? (dialectOf(provider).read(provider, info, undefined) as Statement) : said
  return { ...said, email, emailVerified, displayName: said.displayName ?? info.name }
}

/** Apple posts the name beside the first code. It is not signed, so it is for display only. */
function postedName(dialect: Dialect, callback: URLSearchParams): string | undefined {
  const posted = dialect.responseMode === 'form_post' ? callback.get('user') : null
  if (!posted || posted.length > 4096) return undefined
  try {
    const { name } = JSON.parse(posted) as { name?: { firstName?: unknown; lastName?: unknown } }
    return [name?.firstName, name?.lastName].filter(part => typeof part === 'string').join(' ')
  } catch {
    return undefined
  }
}
