import type { FastifyInstance } from 'fastify'
import type { App } from '../app.ts'
import { JWKS_MAX_AGE_SECONDS, jwksOf } from '../keys/signing-keys.ts'

/** The public halves of the signing keys (RFC 7517), where other services look for them. */
export function jwksRoute(server: FastifyInstance, app: App): void {
  server.get('/.well-known/jwks.json', (_request, reply) =>
    reply
      // Nothing that lets a cache serve it for longer: a key signs once all of them must have it.
      .header('cache-control', `public, max-age=${JWKS_MAX_AGE_SECONDS}`)
      .header('access-control-allow-origin', '*')
      .type('application/jwk-set+json')
      .send(JSON.stringify(jwksOf(app.keys.signing))),
  )
}
