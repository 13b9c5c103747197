import type { ApolloServer } from '@apollo/server'
import type { FastifyInstance, FastifyRequest, preHandlerHookHandler, RouteHandlerMethod } from 'fastify'
import type { App } from '../app.ts'
import { type Context, createContext, type ProvenKey, type ResponseEffects } from '../context.ts'
import { authenticate } from '../graphql/authenticate.ts'
import { basePathOf } from '../page-addresses.ts'
import { apolloHandler } from './apollo-handler.ts'
import { cookieEffects, cookieReader } from './cookies.ts'
import { crossSiteLog } from './cross-site-log.ts'
import { offerNonce } from './dpop-nonce.ts'
import type { EventStreamOptions } from './event-streams.ts'
import { type ContextValues, withOwnValues } from './graphql-context.ts'
import { errorBody } from './request-errors.ts'
import { requestInfo } from './request-info.ts'
import { sandboxHeaders } from './security-headers.ts'
import { wantsPage } from './web.ts'

/** Serves GraphQL, and its explorer for browsers. */
export async function graphqlRoutes(
  server: FastifyInstance,
  app: App,
  apollo: ApolloServer<Context>,
  { graphiql, values }: { graphiql: boolean; values: ContextValues | undefined },
): Promise<void> {
  const { config } = app
  await apollo.start()
  const effectsOf = cookieEffects(config, crossSiteLog(app))
  const readCookies = cookieReader(config)
  const answer = apolloHandler(apollo, async (request, reply) => {
    const effects = effectsOf(request, (...cookie) => reply.setCookie(...cookie))
    const info = requestInfo(request, readCookies)
    offerNonce(app, info, (...header) => reply.header(...header))
    const context = createContext(app, info, effects, authenticate)
    return values ? withOwnValues(values, request.raw, context) : context
  })
  const { tracing } = app
  // Without a return value, Fastify waits for the answer and not for a promise of it.
  const handler: RouteHandlerMethod = tracing
    ? (request, reply) => void tracing.request(request.headers, request.id, () => answer(request, reply))
    : (request, reply) => void answer(request, reply)
  const preHandler = requireHost()
  server.post('/graphql', { preHandler }, handler)
  server.get('/graphql', { preHandler }, (request, reply) => {
    if (config.sandbox && wantsPage(request)) {
      const { explorer } = request.query as { explorer?: string }
      if (graphiql && (explorer ?? config.explorer) === 'graphiql')
        return reply.redirect(`${basePathOf(config.publicUrl)}/explorer`)
      void reply.headers(sandboxHeaders)
    }
    return handler.call(server, request, reply)
  })
}

export type SubscriptionRouteOptions = Pick<EventStreamOptions, 'app' | 'schema' | 'metrics' | 'streams'> & {
  values: ContextValues | undefined
}

/** Serves the program's subscriptions. Only programs that have any load the package for them. */
export async function subscriptionRoutes(
  server: FastifyInstance,
  { values, ...options }: SubscriptionRouteOptions,
): Promise<void> {
  const { app } = options
  const readCookies = cookieReader(app.config)
  const { eventStreamRoutes } = await import('./event-streams.ts')
  // A stream outlives the nonce of its proof, which counts for the whole of the stream.
  const proven = new WeakMap<FastifyRequest, ProvenKey>()
  eventStreamRoutes(server, {
    ...options,
    infoOf: request => {
      const provenKey = proven.get(request)
      return { ...requestInfo(request, readCookies), ...(provenKey && { provenKey }) }
    },
    contextOf: async (request, info, authenticated) => {
      const context = createContext(app, info, NO_EFFECTS, async (...viewer) => {
        authenticated()
        const authenticatedViewer = await authenticate(...viewer)
        if (info.provenKey) proven.set(request, info.provenKey)
        return authenticatedViewer
      })
      return values ? withOwnValues(values, request.raw, context) : context
    },
  })
}

/** The headers of a stream are sent before its first event. */
const NO_EFFECTS: ResponseEffects = {
  setRefreshCookie() {},
  clearRefreshCookie() {},
  setDeviceCookie() {},
  setFlowCookie() {},
}

/**
 * Refuses a Host header that could not be part of a URL: what builds links from it would fail. Remembers the last good one,
 * because parsing a URL takes as long as routing the request.
 */
function requireHost(): preHandlerHookHandler {
  let known: string | undefined
  return (request, reply, done) => {
    const { hostname } = request
    if (hostname === known) return done()
    if (!URL.canParse(`${request.protocol}://${hostname}/`)) {
      void reply.code(400).send(errorBody('BAD_USER_INPUT', 'The Host header is missing or malformed.'))
      return
    }
    known = hostname
    done()
  }
}
