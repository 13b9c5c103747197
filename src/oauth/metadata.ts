import type { Config } from '../config.ts'
import { CLIENT_AUTH_METHODS } from './client-credentials.ts'
import { ASSERTION_ALGORITHMS } from './client-keys.ts'

/** The paths of the endpoints under PUBLIC_URL. */
export const OAUTH_PATHS = {
  token: '/oauth/token',
  introspect: '/oauth/introspect',
  revoke: '/oauth/revoke',
} as const

export function tokenEndpoint({ publicUrl }: Pick<Config, 'publicUrl'>): string {
  return publicUrl + OAUTH_PATHS.token
}

/** What the server's metadata says about its endpoints for service accounts (RFC 8414, section 2). */
export function endpointMetadata(config: Pick<Config, 'publicUrl'>) {
  const of = (endpoint: string) => ({
    [`${endpoint}_endpoint_auth_methods_supported`]: CLIENT_AUTH_METHODS,
    [`${endpoint}_endpoint_auth_signing_alg_values_supported`]: ASSERTION_ALGORITHMS,
  })
  return {
    token_endpoint: tokenEndpoint(config),
    ...of('token'),
    introspection_endpoint: config.publicUrl + OAUTH_PATHS.introspect,
    ...of('introspection'),
    revocation_endpoint: config.publicUrl + OAUTH_PATHS.revoke,
    ...of('revocation'),
    grant_types_supported: [GRANT_TYPE],
  }
}

/** RFC 6749, section 4.4. */
export const GRANT_TYPE = 'client_credentials'
