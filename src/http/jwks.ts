import type { FastifyInstance } from 'fastify'
import type { App } from '../app.ts'

/** Other services may keep the keys this long. */
const MAX_AGE_SECONDS = 300

/** The public halves of the signing keys (RFC 7517), where other services look for them. */
export function jwksRoute(server: FastifyInstance, app: App): void {
  server.get('/.well-known/jwks.json', (_request, reply) =>
    reply
      .header(
        'cache-control',
        `public, max-age=${MAX_AGE_SECONDS}, stale-while-revalidate=${MAX_AGE_SECONDS}`,
      )
      .header('access-control-allow-origin', '*')
      .type('application/jwk-set+json')
      .send(JSON.stringify(app.keys.signing.jwks)),
  )
}
