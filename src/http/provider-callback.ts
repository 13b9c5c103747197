import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { App } from '../app.ts'
import type { RequestInfo } from '../context.ts'
import { gatherFor, SIGN_INS_MAX } from '../end-of-turn.ts'
import { AuthError } from '../errors.ts'
import { type ProviderCallback, receiveCallback } from '../sign-in/provider-callback.ts'
import { flowEnded, labelOfState } from '../sign-in/provider-flow.ts'
import { takeFlowCookie } from './cookies.ts'
import { errorBody } from './request-errors.ts'
import { traceRoutes } from './trace-routes.ts'

/** RFC 9110, section 15.4.4: after a POST as well, the browser goes on with a GET. */
const SEE_OTHER = 303
/** The page that explains why a sign-in did not continue. */
const PAGE = '/sign-in/provider'
const FORM = 'application/x-www-form-urlencoded'
/** Browsers come back one by one. Those of a few turns continue together. */
const gathered = gatherFor(4, SIGN_INS_MAX)

/**
 * Serves the addresses that providers send browsers back to, one for each provider. Apple posts a form, so forms are read
 * here and nowhere else: /graphql stays JSON only.
 */
export async function providerCallbackRoutes(
  server: FastifyInstance,
  app: App,
  toRequestInfo: (request: FastifyRequest) => RequestInfo,
): Promise<void> {
  if (app.config.providers.length === 0) return
  const respond = async (request: FastifyRequest, reply: FastifyReply, parameters: URLSearchParams) => {
    await gathered()
    const { provider } = request.params as { provider: string }
    const state = parameters.get('state')
    const flowCookie =
      state === null || request.headers.cookie === undefined
        ? undefined
        : takeFlowCookie(app.config, labelOfState(state), request, reply)
    const callback: ProviderCallback = { provider, parameters, flowCookie }
    const result = await receiveCallback(app, callback, toRequestInfo(request))
    if (result.to !== undefined) return reply.redirect(result.to, SEE_OTHER)
    const { code } = result
    if (app.config.web.enabled)
      return reply.redirect(`${app.config.publicUrl}${PAGE}?provider_error=${code}`, SEE_OTHER)
    const { message } = code === 'TOKEN_INVALID' ? flowEnded('unknown state') : new AuthError(code)
    return reply.code(400).send(errorBody(code, message))
  }
  await server.register(async scope => {
    traceRoutes(scope, app)
    scope.addContentTypeParser(FORM, { parseAs: 'string' }, (_request, body, done) =>
      done(null, new URLSearchParams(String(body))),
    )
    const url = '/sign-in/callback/:provider'
    // A HEAD request must not use up the state.
    scope.get(url, { exposeHeadRoute: false }, (request, reply) =>
      respond(request, reply, new URLSearchParams(/\?.*/s.exec(request.url)?.[0])),
    )
    scope.post(url, (request, reply) => {
      const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams()
      return respond(request, reply, form)
    })
  })
}
