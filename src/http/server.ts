import { randomUUID } from 'node:crypto'
import type { ApolloServer } from '@apollo/server'
import { fastifyApolloHandler } from '@as-integrations/fastify'
import cookie from '@fastify/cookie'
import cors from '@fastify/cors'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { GraphQLSchema } from 'graphql'
import type { App } from '../app.ts'
import type { Config } from '../config.ts'
import { type Context, createContext, type RequestInfo } from '../context.ts'
import { createApollo } from '../graphql/apollo.ts'
import { createMetrics } from '../metrics.ts'
import { canonicalAddress } from '../network/address.ts'
import { authenticate } from '../sessions/authenticate.ts'
import { backchannelLogoutRoutes } from './backchannel-logout.ts'
import { assetRoutes } from './built-files.ts'
import { cookieEffects, cookieReader } from './cookies.ts'
import { crossSiteLog } from './cross-site-log.ts'
import { discoveryRoutes } from './discovery.ts'
import { explorerRoutes } from './explorer.ts'
import { healthRoutes } from './health.ts'
import { jwksRoute } from './jwks.ts'
import { providerCallbackRoutes } from './provider-callback.ts'
import { BODY_LIMIT_BYTES, errorBody, sendError } from './request-errors.ts'
import { sandboxHeaders, securityHeaders } from './security-headers.ts'
import { unlistedOriginLog } from './unlisted-origins.ts'
import { wantsPage, webRoutes } from './web.ts'
import { wellKnownRoutes } from './well-known.ts'

/** Longer than the header of any browser. */
const USER_AGENT_MAX_LENGTH = 512
const REQUEST_ID_HEADER = 'x-request-id'
const CORS_MAX_AGE_SECONDS = 600

/** Builds the HTTP server of an app without listening: see listen.ts. */
export async function createHttpServer(app: App, schema: GraphQLSchema): Promise<FastifyInstance> {
  const { config } = app
  const server = createFastify(config)
  addRequestHooks(server, app)
  await addCors(server, config)
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
  await graphqlRoutes(server, app, createApollo(config, schema, metrics, { graphiql }), graphiql)
  if (config.sandbox && !pages) server.get('/', (_request, reply) => reply.redirect('/graphql'))
  jwksRoute(server, app)
  discoveryRoutes(server, config)
  const readCookies = cookieReader(config)
  await providerCallbackRoutes(server, app, request => requestInfo(request, readCookies))
  await backchannelLogoutRoutes(server, app, request => requestInfo(request, readCookies))
  wellKnownRoutes(server, config)
  healthRoutes(server, app, metrics)
  return server
}

function createFastify(config: Config): FastifyInstance {
  const headers = securityHeaders(config)
  const server = Fastify({
    logger: false,
    bodyLimit: BODY_LIMIT_BYTES,
    // A list of networks. `true` would trust the leftmost address, which the client writes itself.
    trustProxy: config.trustedProxies.length > 0 && config.trustedProxies,
    genReqId: () => randomUUID(),
    // A URL that cannot be decoded fails before any hook runs.
    frameworkErrors: (_error, request, reply: FastifyReply) => {
      void reply.headers(headers).header(REQUEST_ID_HEADER, request.id)
      void reply.code(400).send(errorBody('BAD_USER_INPUT', 'The URL is malformed.'))
    },
  })
  // Browsers send text/plain without a preflight, so no mutation may arrive that way.
  server.removeContentTypeParser('text/plain')
  return server
}

/** Sets the headers of every response, and refuses requests with more than one Host header. */
function addRequestHooks(server: FastifyInstance, app: App): void {
  const headers = securityHeaders(app.config)
  const logUnlistedOrigin = unlistedOriginLog(app)
  server.addHook('onRequest', async (request, reply) => {
    void reply.headers(headers).header(REQUEST_ID_HEADER, request.id)
    if (hostHeaderCount(request) > 1) {
      return reply.code(400).send(errorBody('BAD_USER_INPUT', 'The request has more than one Host header.'))
    }
    if (request.method === 'OPTIONS') logUnlistedOrigin(request)
  })
}

async function addCors(server: FastifyInstance, { corsOrigins }: Config): Promise<void> {
  await server.register(cors, {
    // With `false`, other origins get no CORS headers at all; with a list, they would get some.
    origin: async (origin?: string) => origin !== undefined && corsOrigins.includes(origin) && origin,
    credentials: true,
    exposedHeaders: [REQUEST_ID_HEADER, 'retry-after', 'www-authenticate'],
    maxAge: CORS_MAX_AGE_SECONDS,
  })
}

async function graphqlRoutes(
  server: FastifyInstance,
  app: App,
  apollo: ApolloServer<Context>,
  graphiql: boolean,
): Promise<void> {
  const { config } = app
  await apollo.start()
  const effectsOf = cookieEffects(config, crossSiteLog(app))
  const readCookies = cookieReader(config)
  const handler = fastifyApolloHandler<Context>(apollo, {
    context: async (request, reply) =>
      createContext(app, requestInfo(request, readCookies), effectsOf(request, reply), authenticate),
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
}

/**
 * RFC 9112, section 3.2 requires a 400 for more than one Host header. Node keeps the first, but a proxy may have routed
 * by the last. Counts the raw headers, because the parsed ones show only one.
 */
function hostHeaderCount({ raw: { rawHeaders } }: FastifyRequest): number {
  let count = 0
  // Names and values alternate. Comparing lengths first avoids a lowercase copy of every name in every request.
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]
    if (name?.length === 4 && name.toLowerCase() === 'host') count++
  }
  return count
}

/** Apollo's adapter builds a URL from the Host header, and throws if the result is not a URL. */
async function requireHost(request: FastifyRequest, reply: FastifyReply): Promise<void> {
  if (URL.canParse(request.url, `${request.protocol}://${request.hostname}/`)) return
  await reply.code(400).send(errorBody('BAD_USER_INPUT', 'The Host header is missing or malformed.'))
}

function requestInfo(request: FastifyRequest, readCookies: ReturnType<typeof cookieReader>): RequestInfo {
  const { refreshCookie, deviceCookie, flowCookie } = readCookies(request)
  return {
    requestId: request.id,
    ipAddress: canonicalAddress(request.ip),
    userAgent: request.headers['user-agent']?.slice(0, USER_AGENT_MAX_LENGTH),
    bearerToken: bearerToken(request.headers.authorization),
    refreshCookie,
    deviceCookie,
    flowCookie,
  }
}

/** RFC 6750, section 2.1. The scheme is case-insensitive (RFC 9110, section 11.1). */
function bearerToken(header: string | undefined): string | undefined {
  return header === undefined ? undefined : (/^Bearer +(\S+) *$/i.exec(header)?.[1] ?? '')
}
