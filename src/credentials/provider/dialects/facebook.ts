import { createHmac } from 'node:crypto'
import type { ProviderSettings } from '../../../provider-settings/settings.ts'
import { baseOf, type Dialect, record, standardStatement } from '../dialect.ts'

const FACEBOOK = 'https://www.facebook.com'

/**
 * On the web, Facebook speaks OAuth 2, and its Graph API says who the person is. Apps for iOS have ID tokens ("Limited
 * Login") with the same issuer and subject. Facebook does not say whether an address was verified.
 */
export const facebook: Dialect = {
  proof: 'api',
  algorithm: 'RS256',
  metadata: provider => ({
    issuer: baseOf(provider),
    // Without a version in the path, Facebook uses the oldest one that it still supports.
    authorization_endpoint: `${baseOf(provider)}/dialog/oauth`,
    token_endpoint: `${graphOf(provider)}/oauth/access_token`,
    jwks_uri: `${hostOf(provider, 'https://limited.facebook.com')}/.well-known/oauth/openid/jwks/`,
  }),
  scopeSeparator: ',',
  freshSignIn: { auth_type: 'reauthenticate' },
  loginHint: null,
  read: async (provider, claims, api) => {
    if (!api) return standardStatement(claims)
    const user = record(await api(`${graphOf(provider)}/me?fields=id,name,email`))
    return { subject: user.id, email: user.email, emailVerified: undefined, displayName: user.name }
  },
  trust: () => 'never',
}

function hostOf(provider: ProviderSettings, host: string): string {
  return baseOf(provider) === FACEBOOK ? host : baseOf(provider)
}

function graphOf(provider: ProviderSettings): string {
  return hostOf(provider, 'https://graph.facebook.com')
}

/** Proves to the Graph API that the server of the app uses the token, which apps can demand. */
export function appSecretProof(accessToken: string, appSecret: string): string {
  return createHmac('sha256', appSecret).update(accessToken).digest('hex')
}
