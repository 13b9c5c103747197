import { randomUUID } from 'node:crypto'
import { fastifyApolloHandler } from '@as-integrations/fastify'
import cookie from '@fastify/cookie'
import cors from '@fastify/cors'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { GraphQLSchema } from 'graphql'
import type { App } from '../app.ts'
import { type Context, createContext } from '../context.ts'
import { AuthError, type ErrorCode } from '../errors.ts'
import { createApollo } from '../graphql/apollo.ts'
import { createMetrics } from '../metrics.ts'
import { canonicalAddress } from '../network/address.ts'
import { authenticate } from '../sessions/authenticate.ts'
import { assetRoutes } from './built-files.ts'
import { cookieEffects, cookiesOf } from './cookies.ts'
import { explorerRoutes } from './explorer.ts'
import { healthRoutes } from './health.ts'
import { jwksRoute } from './jwks.ts'
import { sandboxHeaders, securityHeaders } from './security-headers.ts'
import { wantsPage, webRoutes } from './web.ts'

const BODY_LIMIT_BYTES = 64 * 1024
/** Enough for every browser; more is padding. */
const USER_AGENT_MAX_LENGTH = 512
const REQUEST_ID_HEADER = 'x-request-id'

/** So many origins are named in the log; whoever makes more up fills nothing. */
const STRANGERS_MAX = 20
const ORIGIN_MAX_LENGTH = 200

/** The HTTP server of an app, built but not listening: see listen.ts. */
export async function createHttpServer(app: App, schema: GraphQLSchema): Promise<FastifyInstance> {
  const { config } = app
  const headers = securityHeaders(config)
  const server = Fastify({
    logger: false,
    bodyLimit: BODY_LIMIT_BYTES,
    // A list of networks: `true` would believe whatever the client itself writes leftmost.
    trustProxy: config.trustedProxies.length > 0 && config.trustedProxies,
    genReqId: () => randomUUID(),
    // Before any hook: an address that cannot be decoded.
    frameworkErrors: (_error, request, reply: FastifyReply) => {
      void reply.headers(headers).header(REQUEST_ID_HEADER, request.id)
      void reply.code(400).send(errorBody('BAD_USER_INPUT', 'The address is malformed.'))
    },
  })
  // Browsers send text/plain without a preflight; no mutation may arrive that way.
  server.removeContentTypeParser('text/plain')
  const noteStranger = strangerLog(app)
  server.addHook('onRequest', async (request, reply) => {
    void reply.headers(headers).header(REQUEST_ID_HEADER, request.id)
    if (hostLines(request) > 1) {
      return reply.code(400).send(errorBody('BAD_USER_INPUT', 'The request has more than one Host header.'))
    }
    if (request.method === 'OPTIONS') noteStranger(request)
  })
  await server.register(cors, {
    // False, unlike a list, says nothing at all to others.
    origin: async (origin?: string) => origin !== undefined && config.corsOrigins.includes(origin) && origin,
    credentials: true,
    exposedHeaders: [REQUEST_ID_HEADER, 'retry-after'],
    maxAge: 600,
  })
  await server.register(cookie)
  server.setErrorHandler((error, request, reply) => sendError(app, error, request, reply))
  const pages = config.web.enabled ? await webRoutes(server, config) : undefined
  const graphiql = config.sandbox && (await explorerRoutes(server, config))
  if (pages || graphiql) await assetRoutes(server)
  server.setNotFoundHandler((request, reply) => {
    if (pages && wantsPage(request)) return pages.send(reply.code(404))
    return reply.code(404).send(errorBody('NOT_FOUND', `There is nothing at ${request.url.split('?')[0]}.`))
  })

  const metrics = createMetrics(app)
  const apollo = createApollo(config, schema, metrics, { graphiql })
  await apollo.start()
  const handler = fastifyApolloHandler<Context>(apollo, {
    context: async (request, reply) => requestContext(app, request, reply),
  })
  server.post('/graphql', { preHandler: requireHost }, handler)
  server.get('/graphql', { preHandler: requireHost }, (request, reply) => {
    if (config.sandbox && wantsPage(request)) {
      const { explorer } = request.query as { explorer?: string }
      if (graphiql && (explorer ?? config.explorer) === 'graphiql') return reply.redirect('/explorer')
      void reply.headers(sandboxHeaders)
    }
    return handler.call(server, request, reply)
  })
  if (config.sandbox && !pages) server.get('/', (_request, reply) => reply.redirect('/graphql'))
  jwksRoute(server, app)
  healthRoutes(server, app, metrics)
  return server
}

/**
 * Says once of each origin whose pages are kept out. Whoever forgot CORS_ORIGINS reads only of a missing
 * header in the browser, and scripts are told nothing at all. Only pages of other origins send preflights.
 */
function strangerLog({ config, log }: App): (request: FastifyRequest) => void {
  const named = new Set<string>()
  return ({ headers: { origin } }) => {
    if (origin === undefined || config.corsOrigins.includes(origin)) return
    const name = origin.slice(0, ORIGIN_MAX_LENGTH)
    if (named.has(name) || named.size >= STRANGERS_MAX) return
    named.add(name)
    log.info({ origin: name }, 'a page of an origin that CORS_ORIGINS does not name was kept out')
  }
}

/**
 * Node keeps the first of several, and a proxy may have gone by the last: RFC 9112, section 3.2 wants 400 for both
 * to agree. Counts in the raw headers, for the parsed ones show only one.
 */
function hostLines({ raw: { rawHeaders } }: FastifyRequest): number {
  return rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host').length
}

/** Apollo's adapter makes a URL with the Host header and fails where that gives none. */
async function requireHost(request: FastifyRequest, reply: FastifyReply): Promise<void> {
  if (URL.canParse(request.url, `${request.protocol}://${request.hostname}/`)) return
  await reply.code(400).send(errorBody('BAD_USER_INPUT', 'The Host header is missing or malformed.'))
}

function requestContext(app: App, request: FastifyRequest, reply: FastifyReply): Context {
  const facts = {
    requestId: request.id,
    ipAddress: canonicalAddress(request.ip),
    userAgent: request.headers['user-agent']?.slice(0, USER_AGENT_MAX_LENGTH),
    bearerToken: bearerToken(request.headers.authorization),
    ...cookiesOf(app.config, request),
  }
  return createContext(app, facts, cookieEffects(app.config, reply), authenticate)
}

/** RFC 6750, section 2.1. The scheme is case-insensitive (RFC 9110, section 11.1). */
function bearerToken(header: string | undefined): string | undefined {
  return header === undefined ? undefined : (/^Bearer +(\S+) *$/i.exec(header)?.[1] ?? '')
}

/** What never reached GraphQL: malformed JSON, a body too large, a content type of its own. */
function sendError(app: App, error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const status = (error as { statusCode?: number }).statusCode ?? 500
  if (status < 500) {
    void reply
      .code(status)
      .send(errorBody('BAD_USER_INPUT', REQUEST_FAULTS[status] ?? 'The request is malformed.'))
    return
  }
  app.log.error({ requestId: request.id, err: error }, 'request failed')
  void reply.code(500).send(errorBody('INTERNAL_SERVER_ERROR', undefined, { requestId: request.id }))
}

const REQUEST_FAULTS: Record<number, string> = {
  400: 'The body is not valid JSON.',
  413: `The request is larger than ${BODY_LIMIT_BYTES / 1024} KiB.`,
  415: 'Send the request as application/json.',
}

function errorBody(code: ErrorCode, message: string | undefined, extensions: Record<string, unknown> = {}) {
  const error = new AuthError(code, message === undefined ? {} : { message })
  return { errors: [{ message: error.message, extensions: { code, ...extensions } }] }
}
