import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { App } from '../app.ts'
import type { RequestInfo } from '../context.ts'
import { isUnavailable } from '../database/unavailable.ts'
import { AuthError } from '../errors.ts'
import { authenticateUnproved } from '../graphql/authenticate.ts'
import type { Metrics } from '../metrics.ts'
import { authenticateClient } from '../oauth/authenticate-client.ts'
import { readClientCredentials } from '../oauth/client-credentials.ts'
import type { Service } from '../oauth/find-service-account.ts'
import { type Form, readForm } from '../oauth/form.ts'
import { introspect } from '../oauth/introspect.ts'
import { issueServiceToken } from '../oauth/issue-token.ts'
import { OAUTH_PATHS } from '../oauth/metadata.ts'
import { OAuthError } from '../oauth/oauth-error.ts'
import { revokeToken } from '../oauth/revoke-token.ts'
import { traceRoutes } from './trace-routes.ts'

const FORM = 'application/x-www-form-urlencoded'
const RETRY_AFTER_SECONDS = 2

type Endpoint = keyof typeof OAUTH_PATHS
type Answer = (service: Service, form: Form, request: RequestInfo) => Promise<unknown>

/** Serves the endpoints for service accounts: tokens (RFC 6749, section 4.4), introspection (RFC 7662), revocation (RFC 7009). */
export async function oauthRoutes(
  server: FastifyInstance,
  app: App,
  { oauthRequests }: Metrics,
  toRequestInfo: (request: FastifyRequest) => RequestInfo,
): Promise<void> {
  const answers: Record<Endpoint, Answer> = {
    token: (service, form, request) => issueServiceToken(app, service, form, request),
    introspect: (service, form, request) => introspect(app, service, form, request, authenticateUnproved),
    revoke: (service, form, request) => revokeToken(app, service, form, request),
  }
  await server.register(async scope => {
    traceRoutes(scope, app)
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser(FORM, { parseAs: 'string' }, (_request, body, done) =>
      done(null, new URLSearchParams(String(body))),
    )
    // RFC 6749, section 5.1; RFC 7662, section 2.2. Also for errors, and for a body that cannot be read.
    scope.addHook('onRequest', async (_request, reply) => {
      void reply.headers({ 'cache-control': 'no-store', pragma: 'no-cache' })
    })
    for (const [name, path] of Object.entries(OAUTH_PATHS)) {
      const endpoint = name as Endpoint
      const errorHandler = async (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
        const { code, retryAfter, ...refusal } = refusalOf(app, error, request)
        oauthRequests.inc({ endpoint, code })
        if (retryAfter !== undefined) void reply.header('retry-after', String(retryAfter))
        // RFC 9110, section 15.5.2: a 401 names a scheme, whatever the client tried.
        if (refusal.status === 401) void reply.header('www-authenticate', challenge(app))
        if (refusal.status === 429) await app.limiter.refusals.turn()
        const { status, description } = refusal
        return reply
          .code(status)
          .send({ error: code, ...(description && { error_description: description }) })
      }
      scope.post(path, { errorHandler }, async (request, reply) => {
        const form = readForm(request.body)
        const origin = toRequestInfo(request)
        const credentials = readClientCredentials(request.headers.authorization, form)
        const service = await authenticateClient(app, credentials, origin)
        const answer = await answers[endpoint](service, form, origin)
        oauthRequests.inc({ endpoint, code: 'OK' })
        return reply.code(200).send(answer)
      })
      scope.get(path, (_request, reply) =>
        reply
          .code(405)
          .header('allow', 'POST')
          .send({ error: 'invalid_request', error_description: 'Use POST.' }),
      )
    }
  })
}

function challenge({ config }: App): string {
  return `Basic realm="${config.tokens.issuer}", charset="UTF-8"`
}

type Refusal = { status: number; code: string; description?: string; retryAfter?: number }

/** RFC 6749, section 5.2. It has no code for overload, so those are the ones of section 4.1.2.1. */
function refusalOf(app: App, error: FastifyError, request: FastifyRequest): Refusal {
  if (error instanceof OAuthError)
    return { status: error.status, code: error.code, description: error.message }
  if (error instanceof AuthError && typeof error.extensions.retryAfter === 'number') {
    const status = error.code === 'RATE_LIMITED' ? 429 : 503
    return { status, code: 'temporarily_unavailable', retryAfter: error.extensions.retryAfter }
  }
  if (isUnavailable(error)) {
    app.log.error({ requestId: request.id, err: error }, 'request failed')
    return { status: 503, code: 'temporarily_unavailable', retryAfter: RETRY_AFTER_SECONDS }
  }
  const { statusCode = 500 } = error
  if (statusCode < 500) {
    // RFC 6749 answers every malformed request with 400, and so do its clients expect.
    const status = statusCode === 413 ? 413 : 400
    return { status, code: 'invalid_request', description: `Send the parameters as ${FORM}.` }
  }
  app.log.error({ requestId: request.id, err: error }, 'request failed')
  return { status: 500, code: 'server_error' }
}
