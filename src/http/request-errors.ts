import type { FastifyReply, FastifyRequest } from 'fastify'
import type { App } from '../app.ts'
import { AuthError, type ErrorCode } from '../errors.ts'

const REQUEST_FAULTS: Record<number, (app: App) => string> = {
  400: () => 'The body is not valid JSON.',
  413: ({ requestLimits }) => `The request is larger than ${Math.floor(requestLimits.bodyBytes / 1024)} KiB.`,
  415: () => 'Send the request as application/json.',
}

/** Responds to a request that failed before GraphQL, such as malformed JSON or a body that is too large. */
export function sendError(app: App, error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const status = (error as { statusCode?: number }).statusCode ?? 500
  if (status < 500) {
    void reply
      .code(status)
      .send(errorBody('BAD_USER_INPUT', REQUEST_FAULTS[status]?.(app) ?? 'The request is malformed.'))
    return
  }
  app.log.error({ requestId: request.id, err: error }, 'request failed')
  void reply.code(500).send(errorBody('INTERNAL_SERVER_ERROR', undefined, { requestId: request.id }))
}

/** An error in the form of a GraphQL response. Without a `message`, it has the code's default one. */
export function errorBody(
  code: ErrorCode,
  message: string | undefined,
  extensions: Record<string, unknown> = {},
) {
  const error = new AuthError(code, message === undefined ? {} : { message })
  return { errors: [{ message: error.message, extensions: { code, ...extensions } }] }
}
