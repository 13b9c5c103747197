import type { FastifyInstance } from 'fastify'
import type { Config } from '../config.ts'
import { PROOF_ALGORITHMS } from '../dpop/proof.ts'
import { ALGORITHM } from '../keys/signing-keys.ts'
import { endpointMetadata } from '../oauth/metadata.ts'
import { ACR } from '../sessions/strength.ts'

const MAX_AGE_SECONDS = 300

/**
 * Serves the metadata that libraries need to verify access tokens, and that service accounts need, from the issuer alone:
 * - `oauth-authorization-server` (RFC 8414), for an issuer with a path also at the address of section 3.1,
 * - `openid-configuration` (OpenID Connect Discovery 1.0), which most libraries look up first.
 *
 * This server signs people in through GraphQL and not through redirects, so it has no authorization endpoint, and both
 * say so: without the empty list, the default would apply (RFC 8414, section 2).
 */
export function discoveryRoutes(server: FastifyInstance, config: Config): void {
  const { publicUrl, tokens, links } = config
  const metadata = {
    issuer: tokens.issuer,
    jwks_uri: `${publicUrl}/.well-known/jwks.json`,
    ...endpointMetadata(config),
    // RFC 9449, section 5.1.
    ...(config.dpop !== 'off' && { dpop_signing_alg_values_supported: PROOF_ALGORITHMS }),
    response_types_supported: [],
    acr_values_supported: Object.values(ACR),
    ...(links.terms && { op_tos_uri: links.terms }),
    ...(links.privacy && { op_policy_uri: links.privacy }),
  }
  const serve = (path: string, content: object) => {
    const body = JSON.stringify(content)
    server.get(path, (_request, reply) =>
      reply
        .header('cache-control', `public, max-age=${MAX_AGE_SECONDS}`)
        .header('access-control-allow-origin', '*')
        .type('application/json')
        .send(body),
    )
  }
  const { pathname } = new URL(tokens.issuer)
  serve('/.well-known/oauth-authorization-server', metadata)
  if (pathname !== '/') serve(`/.well-known/oauth-authorization-server${pathname}`, metadata)
  serve('/.well-known/openid-configuration', {
    ...metadata,
    subject_types_supported: ['public'],
    // Libraries that check access tokens take their algorithms from here.
    id_token_signing_alg_values_supported: [ALGORITHM],
    claims_supported: ['iss', 'aud', 'sub', 'sid', 'acr', 'amr', 'auth_time'],
  })
}
