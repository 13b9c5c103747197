import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { App } from '../app.ts'
import type { RequestInfo } from '../context.ts'
import { isUnreachable } from '../credentials/provider/failure.ts'
import { AuthError } from '../errors.ts'
import { logoutByProvider } from '../sign-in/backchannel-logout.ts'
import { traceRoutes } from './trace-routes.ts'

const FORM = 'application/x-www-form-urlencoded'

/**
 * Serves the addresses at which providers announce that someone signed out there, one for each provider (OpenID Connect
 * Back-Channel Logout, section 2.5). Forms are read here only. The answers follow section 2.8.
 */
export async function backchannelLogoutRoutes(
  server: FastifyInstance,
  app: App,
  toRequestInfo: (request: FastifyRequest) => RequestInfo,
): Promise<void> {
  if (app.config.providers.length === 0) return
  await server.register(async scope => {
    traceRoutes(scope, app)
    scope.addContentTypeParser(FORM, { parseAs: 'string' }, (_request, body, done) =>
      done(null, new URLSearchParams(String(body))),
    )
    scope.post('/sign-in/backchannel-logout/:provider', async (request, reply) => {
      void reply.header('cache-control', 'no-store')
      const { provider } = request.params as { provider: string }
      const token = request.body instanceof URLSearchParams ? request.body.get('logout_token') : null
      if (!token) return reply.code(400).send({ error: 'invalid_request' })
      try {
        await logoutByProvider(app, { provider, token }, toRequestInfo(request))
      } catch (error) {
        if (!(error instanceof AuthError)) throw error
        return reply.code(statusOf(error)).send({ error: 'invalid_request' })
      }
      return reply.code(200).send()
    })
  })
}

/** A provider tries again later if this server could not fetch its keys. */
function statusOf(error: AuthError): number {
  if (error.code === 'NOT_FOUND') return 404
  if (error.code === 'RATE_LIMITED') return 429
  return isUnreachable(error) ? 503 : 400
}
