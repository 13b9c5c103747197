import type { FastifyInstance } from 'fastify'
import type { App } from '../app.ts'
import { JWKS_MAX_AGE_SECONDS, jwksOf } from '../keys/signing-keys.ts'

/** Serves the public signing keys (RFC 7517) for other services. */
export function jwksRoute(server: FastifyInstance, app: App): void {
  server.get('/.well-known/jwks.json', (_request, reply) =>
    reply
      // No stale-while-revalidate or the like: a new key starts to sign when every cache must have it.
      .header('cache-control', `public, max-age=${JWKS_MAX_AGE_SECONDS}`)
      .header('access-control-allow-origin', '*')
      .type('application/jwk-set+json')
      .send(JSON.stringify(jwksOf(app.keys.signing))),
  )
}
