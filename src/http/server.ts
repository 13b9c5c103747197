import { randomUUID } from 'node:crypto'
import type { ApolloServerPlugin } from '@apollo/server'
import cookie from '@fastify/cookie'
import cors from '@fastify/cors'
import Fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
} from 'fastify'
import type { GraphQLSchema } from 'graphql'
import type { App } from '../app.ts'
import type { Config } from '../config.ts'
import type { Context } from '../context.ts'
import { createApollo } from '../graphql/apollo.ts'
import type { Metrics } from '../metrics.ts'
import { basePathOf, withoutBasePath } from '../page-addresses.ts'
import { backchannelLogoutRoutes } from './backchannel-logout.ts'
import { assetRoutes } from './built-files.ts'
import { cookieReader } from './cookies.ts'
import { discoveryRoutes } from './discovery.ts'
import { DPOP_NONCE_HEADER } from './dpop-nonce.ts'
import { explorerRoutes } from './explorer.ts'
import type { ContextValues } from './graphql-context.ts'
import { graphqlRoutes, subscriptionRoutes } from './graphql-route.ts'
import { handoverOf } from './handover.ts'
import { healthRoutes } from './health.ts'
import { jwksRoute } from './jwks.ts'
import { oauthRoutes } from './oauth.ts'
import type { EventStreams } from './open-streams.ts'
import { providerCallbackRoutes } from './provider-callback.ts'
import { acceptReadBodies } from './read-body.ts'
import { errorBody, sendError } from './request-errors.ts'
import { requestInfo } from './request-info.ts'
import { securityHeaders } from './security-headers.ts'
import { unlistedOriginLog } from './unlisted-origins.ts'
import { wantsPage, webRoutes } from './web.ts'
import { wellKnownRoutes } from './well-known.ts'

const REQUEST_ID_HEADER = 'x-request-id'
const CORS_MAX_AGE_SECONDS = 600

/** What a program adds to the HTTP server. */
export type HttpOptions = {
  /**
   * Adds routes, hooks and plugins to the HTTP server. It runs before the built-in routes, so its hooks apply to them too.
   */
  fastify?: (server: FastifyInstance) => void | Promise<void>
  apollo?: {
    /** Plugins for Apollo Server, in addition to the built-in ones. */
    plugins?: readonly ApolloServerPlugin<Context>[]
  }
  /**
   * Values of your own in the context of each request, such as data loaders. `base` is the context without them, whose
   * names they can't replace.
   */
  context?: ContextValues
}

export type HttpServerOptions = HttpOptions & {
  metrics: Metrics
  /** The open streams, to end them at a shutdown. */
  streams: EventStreams
  /** Whether requests come through another server, which knows more about them: see handover.ts. */
  embedded: boolean
}

/** Builds the HTTP server of an app without listening: see listen.ts and mount.ts. */
export async function createHttpServer(
  app: App,
  schema: GraphQLSchema,
  options: HttpServerOptions,
): Promise<FastifyInstance> {
  const { config } = app
  const { metrics, streams, embedded } = options
  const basePath = basePathOf(config.publicUrl)
  const server = createFastify(app, { embedded, extended: options.fastify !== undefined })
  if (embedded) passUnknownRoutes(server)
  addRequestHooks(server, app)
  await addCors(server, config)
  await server.register(cookie)
  if (embedded) acceptReadBodies(server)
  server.setErrorHandler((error, request, reply) => sendError(app, error, request, reply))
  await options.fastify?.(server)
  const pages = config.web.enabled ? await webRoutes(server, app) : undefined
  const graphiql = config.sandbox && (await explorerRoutes(server, config))
  if (pages || graphiql) await assetRoutes(server)
  server.setNotFoundHandler((request, reply) => {
    if (pages && wantsPage(request)) return pages.send(reply.code(404))
    return reply.code(404).send(errorBody('NOT_FOUND', `There is nothing at ${request.url.split('?')[0]}.`))
  })

  const plugins = options.apollo?.plugins ?? []
  const apollo = createApollo(app, schema, metrics, { graphiql, plugins })
  await graphqlRoutes(server, app, apollo, { graphiql, values: options.context })
  if (schema.getSubscriptionType()) {
    await subscriptionRoutes(server, { app, schema, metrics, streams, values: options.context })
  }
  if (config.sandbox && !pages) server.get('/', (_request, reply) => reply.redirect(`${basePath}/graphql`))
  jwksRoute(server, app)
  discoveryRoutes(server, config)
  const readCookies = cookieReader(config)
  await providerCallbackRoutes(server, app, request => requestInfo(request, readCookies))
  await backchannelLogoutRoutes(server, app, request => requestInfo(request, readCookies))
  await oauthRoutes(server, app, metrics, request => requestInfo(request, readCookies))
  wellKnownRoutes(server, config)
  healthRoutes(server, app, metrics)
  return server
}

const refuseSchema = () => {
  throw new Error('The routes of this server have no schemas.')
}
/** Compilers for a server with none but the built-in routes, which have no schemas. */
const noCompilers = { buildValidator: refuseSchema, buildSerializer: refuseSchema }

function createFastify(
  { config, requestLimits }: App,
  { embedded, extended }: { embedded: boolean; extended: boolean },
): FastifyInstance {
  const headers = securityHeaders(config)
  const basePath = basePathOf(config.publicUrl)
  const options: FastifyServerOptions = {
    logger: false,
    bodyLimit: requestLimits.bodyBytes,
    // A list of networks. `true` would trust the leftmost address, which the client writes itself.
    trustProxy: config.trustedProxies.length > 0 && config.trustedProxies,
    genReqId: () => randomUUID(),
    // A URL that cannot be decoded fails before any hook runs.
    frameworkErrors: (_error, request, reply: FastifyReply) => {
      void reply.headers(headers).header(REQUEST_ID_HEADER, request.id)
      void reply.code(400).send(errorBody('BAD_USER_INPUT', 'The URL is malformed.'))
    },
  }
  // A proxy may keep the path of PUBLIC_URL or remove it. Another server has its own rules: see mount.ts.
  if (basePath !== '' && !embedded)
    options.rewriteUrl = ({ url = '/' }) => withoutBasePath(url, basePath) ?? url
  // The default compilers take long to load.
  if (!extended) options.schemaController = { compilersFactory: noCompilers }
  const server = Fastify(options)
  // Browsers send text/plain without a preflight, so no mutation may arrive that way.
  server.removeContentTypeParser('text/plain')
  return server
}

/** Lets the server around this one go on with requests for which there is no route here, before anything else happens. */
function passUnknownRoutes(server: FastifyInstance): void {
  server.addHook('onRequest', (request, reply, done) => {
    const handover = handoverOf(request.raw)
    if (!handover?.canPass || !isUnknown(server, request)) return done()
    handover.passed = true
    void reply.hijack()
  })
}

/** CORS has a route for OPTIONS at every address. */
function isUnknown(server: FastifyInstance, { is404, method, url }: FastifyRequest): boolean {
  if (method !== 'OPTIONS') return is404
  const [path = '/'] = url.split('?')
  return !server.hasRoute({ method: 'POST', url: path }) && !server.hasRoute({ method: 'GET', url: path })
}

/** Sets the headers of every response, and refuses requests with more than one Host header. */
function addRequestHooks(server: FastifyInstance, app: App): void {
  const headers = securityHeaders(app.config)
  const logUnlistedOrigin = unlistedOriginLog(app)
  // With callbacks, here and below: each promise would be a measurable part of a small query.
  server.addHook('onRequest', (request, reply, done) => {
    void reply.headers(headers).header(REQUEST_ID_HEADER, request.id)
    if (hostHeaderCount(request) > 1) {
      void reply.code(400).send(errorBody('BAD_USER_INPUT', 'The request has more than one Host header.'))
      return
    }
    if (request.method === 'OPTIONS') logUnlistedOrigin(request)
    done()
  })
}

async function addCors(server: FastifyInstance, { corsOrigins }: Config): Promise<void> {
  await server.register(cors, {
    // With `false`, other origins get no CORS headers at all; with a list, they would get some.
    origin: (origin, decide) => decide(null, origin !== undefined && corsOrigins.includes(origin) && origin),
    credentials: true,
    exposedHeaders: [REQUEST_ID_HEADER, DPOP_NONCE_HEADER, 'retry-after', 'www-authenticate'],
    maxAge: CORS_MAX_AGE_SECONDS,
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
