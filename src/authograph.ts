import 'reflect-metadata'
import type { ApolloServerPlugin } from '@apollo/server'
import type { FastifyInstance } from 'fastify'
import type { GraphQLFormattedError, GraphQLSchema, ValidationRule } from 'graphql'
import { startSearchIndexing } from './accounts/search-index.ts'
import type { App } from './app.ts'
import type { Config } from './config.ts'
import type { Context } from './context.ts'
import { startRevocations } from './credentials/provider/revocations.ts'
import { observe, validationRules } from './graphql/apollo.ts'
import { requireGuards } from './graphql/check-resolvers.ts'
import { formatError } from './graphql/format-error.ts'
import { builtInSchema, createSchema } from './graphql/schema.ts'
import { subgraphOf } from './graphql/subgraph.ts'
import { clientAddress } from './http/client-address.ts'
import { createFastifyPlugin, type FastifyPlugin } from './http/fastify-plugin.ts'
import { type ContextFunction, createContextFunction } from './http/graphql-context.ts'
import { createMount } from './http/mount.ts'
import { createNodeHandler, type NodeHandler } from './http/node-handler.ts'
import { EventStreams } from './http/open-streams.ts'
import { createRouteViewer, type RouteViewer } from './http/route-viewer.ts'
import { createHttpServer } from './http/server.ts'
import { startClockSync } from './keep-time.ts'
import { startKeyReload } from './keys/reload.ts'
import { createLog } from './log.ts'
import { startMailDelivery } from './mail/deliver.ts'
import { startPartitioning, startPruning } from './maintenance/prune.ts'
import { startReminding } from './maintenance/remind.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { openApp } from './open.ts'
import { type AuthographOptions, configOf, type ProgramOptions } from './options.ts'
import { declarePermissions } from './permissions/declared.ts'
import { declaredPermissions } from './permissions/permissions.ts'
import { closeOnSignal, closingOnce } from './shutdown.ts'
import { startWebhookDelivery } from './webhooks/deliver.ts'
import { subscribeProgram } from './webhooks/on-event.ts'
import { isWorker } from './workers/messages.ts'

/** Authograph inside a server of the program's own. */
export type Authograph = {
  app: App
  /** The operations of Authograph and of `resolvers`, for a GraphQL server of your own. Pass it all four that follow. */
  schema: GraphQLSchema
  /** The context of each request. It takes the arguments of the context functions of Apollo Server's integrations. */
  context: ContextFunction
  /** Gives clients the codes and messages that are meant for them, and nothing else. */
  formatError: (formatted: GraphQLFormattedError, error: unknown) => GraphQLFormattedError
  /** Limits the size and cost of documents. */
  validationRules: ValidationRule[]
  /** Log faults, count operations, and set `Retry-After` and `WWW-Authenticate`. */
  plugins: ApolloServerPlugin<Context>[]
  /** Who makes a request to a route of your own, if the request may be made. */
  viewer: RouteViewer
  /** All routes, as a plugin for Fastify 5. */
  fastifyPlugin: FastifyPlugin
  /** All routes, as a request listener of node:http and middleware of Express 5 and NestJS. */
  nodeHandler: NodeHandler
  /**
   * Completes the requests in progress, stops the background tasks and disconnects from the database. Close your own
   * server first. Further calls have no effect.
   */
  close(): Promise<void>
}

/**
 * Creates the service for a server that exists already: connects to the database, migrates it and starts the background
 * tasks, but does not listen. It handles no signals unless `signals` is true. If the built-in PostgreSQL is lost, it logs
 * the error and leaves the process running.
 * @throws ConfigError when settings are invalid; Error when the database is not available
 */
export async function createAuthograph(options: AuthographOptions = {}): Promise<Authograph> {
  if (!options.signals) return closingOnce(await embed(options))
  return closeOnSignal(
    aborted => embed({ ...options, aborted }),
    ({ app }, signal) => app.log.info({ signal }, 'shutting down'),
  )
}

async function embed(options: AuthographOptions): Promise<Authograph> {
  const config = configOf(options)
  const log = options.log ?? createLog(config)
  const onDatabaseGone = (error: Error) =>
    log.fatal({ err: error }, 'the built-in PostgreSQL ended and could not be restarted')
  const service = await assemble(config, { onDatabaseGone, ...options, log }, { embedded: true })
  const { app, schema, http } = service
  const addressOf = clientAddress(app)
  const mount = createMount(app, http)
  return {
    app,
    schema,
    context: createContextFunction(app, addressOf, options.context),
    formatError,
    validationRules: validationRules(app),
    // The active span is the program's own.
    plugins: [observe(service.metrics, undefined)],
    viewer: createRouteViewer(app, addressOf),
    fastifyPlugin: createFastifyPlugin(mount, addressOf),
    nodeHandler: createNodeHandler(mount, addressOf),
    close: async () => {
      service.endStreams()
      await mount.close()
      await service.close()
    },
  }
}

/** The parts of a running service. */
export type Service = {
  app: App
  schema: GraphQLSchema
  http: FastifyInstance
  metrics: Metrics
  /** Ends the subscriptions, which would otherwise go on. */
  endStreams(): void
  /** Stops the background tasks and disconnects from the database. */
  close(): Promise<void>
}

/** Builds the service and starts its background tasks. */
export async function assemble(
  config: Config,
  options: ProgramOptions,
  { embedded }: { embedded: boolean },
): Promise<Service> {
  // First, because it fails if the program's resolvers are invalid.
  const declared = declaredPermissions(options.permissions)
  const own = options.resolvers?.length
    ? createSchema(options.resolvers, declared, options.pubSub)
    : builtInSchema()
  if (options.publicOperations) requireGuards(options.resolvers ?? [], options.publicOperations)
  const schema = config.federation ? await subgraphOf(own, options.entities) : own
  const mail = typeof options.mail === 'object' ? options.mail : {}
  const app = await openApp(config, { ...options, mail })
  if (config.workers > 1 && !isWorker())
    app.log.warn('WORKERS has no effect in a program of your own: it serves with this process alone')
  try {
    await declarePermissions(app)
    await subscribeProgram(app)
    const metrics = createMetrics(app)
    const streams = new EventStreams()
    const http = await createHttpServer(app, schema, { ...options, metrics, streams, embedded })
    await http.ready()
    const tasks = [
      await startPartitioning(app),
      startClockSync(app),
      startKeyReload(app),
      startPruning(app),
      startReminding(app),
      startMailDelivery(app),
      startSearchIndexing(app),
      startRevocations(app),
      startWebhookDelivery(app),
    ]
    const close = async () => {
      await http.close()
      await Promise.all(tasks.map(stop => stop()))
      await app.close()
    }
    return { app, schema, http, metrics, endStreams: () => streams.end(), close }
  } catch (error) {
    await app.close()
    throw error
  }
}
