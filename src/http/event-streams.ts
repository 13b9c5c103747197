import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { GraphQLError, type GraphQLFormattedError, type GraphQLSchema } from 'graphql'
import { createHandler } from 'graphql-sse/lib/use/fastify'
import type { App } from '../app.ts'
import { runEvery } from '../background-task.ts'
import type { Context, RequestInfo } from '../context.ts'
import { AuthError } from '../errors.ts'
import { authenticate } from '../graphql/authenticate.ts'
import { toClient } from '../graphql/document.ts'
import { faultLog } from '../graphql/fault-log.ts'
import { startSubscription } from '../graphql/subscription.ts'
import type { Metrics } from '../metrics.ts'
import { networkOf } from '../network/address.ts'
import type { EventStreams, OpenStream } from './open-streams.ts'

/** How long a subscription can outlive its session, if no event reveals the end of the session earlier. */
const CHECK_SECONDS = 2
const RETRY_AFTER_SECONDS = 10
const CONTENT_TYPE = 'text/event-stream'

export type EventStreamOptions = {
  app: App
  schema: GraphQLSchema
  metrics: Metrics
  streams: EventStreams
  infoOf: (request: FastifyRequest) => RequestInfo
  /** Creates a context of the request. `authenticated` runs when something in it has asked for the viewer. */
  contextOf: (request: FastifyRequest, info: RequestInfo, authenticated: () => void) => Promise<Context>
}

/**
 * Serves the subscriptions of the embedding program at `/graphql/stream`, each in a response of its own (GraphQL over
 * Server-Sent Events, distinct connections mode, which replicas need not share). Every event asks the guards again, and a
 * stream whose session has ended ends with UNAUTHENTICATED.
 */
export function eventStreamRoutes(server: FastifyInstance, options: EventStreamOptions): void {
  const { app, schema, metrics, streams, infoOf, contextOf } = options
  const { streamsPerAccount, streamsPerNetwork } = app.requestLimits
  const { open } = streams
  const places = new Places()
  const onErrors = faultLog()
  const handler = createHandler({
    // No tokens, so no streams that several requests share.
    authenticate: () => null,
    onSubscribe: async ({ raw: request, context: { reply } }, params) => {
      try {
        return await subscribe(request, reply, { ...params, query: String(params.query) })
      } catch (error) {
        const reported = new GraphQLError('The subscription failed.', { originalError: error as Error })
        if (!(error instanceof AuthError)) throw error
        return refusal(toClient([reported]))
      }
    },
  })

  async function subscribe(
    request: FastifyRequest,
    reply: FastifyReply,
    params: Parameters<typeof startSubscription>[1],
  ) {
    if (streams.closing)
      throw new AuthError('SERVICE_UNAVAILABLE', { extensions: { retryAfter: RETRY_AFTER_SECONDS } })
    const release = places.take(`network ${networkOf(infoOf(request).ipAddress)}`, streamsPerNetwork)
    onClose(reply, release)
    const newContext = (authenticated: () => void) => contextOf(request, infoOf(request), authenticated)
    const subscription = await startSubscription({ app, schema, newContext, onErrors }, params)
    if (!('deliveries' in subscription)) {
      return refusal(subscription.errors)
    }
    onClose(reply, () => subscription.end())
    try {
      if (subscription.guarded()) {
        const { account } = await subscription.context.viewer()
        onClose(reply, places.take(`account ${account.id}`, streamsPerAccount))
      }
    } catch (error) {
      subscription.end()
      throw error
    }
    const stream = { request, subscription }
    open.add(stream)
    onClose(reply, () => open.delete(stream))
    metrics.operations.inc({ operation: `subscription.${subscription.field}`, code: 'OK' })
    return subscription.deliveries as AsyncIterable<object>
  }

  async function endDeadStreams(): Promise<void> {
    const guarded = [...open].filter(({ subscription }) => subscription.guarded())
    const checks = await Promise.allSettled(guarded.map(endIfDead))
    const failed = checks.find(check => check.status === 'rejected')
    if (failed) throw failed.reason
  }

  async function endIfDead({ request, subscription }: OpenStream): Promise<void> {
    const info = infoOf(request)
    try {
      await authenticate(app, info.bearerToken ?? '', info)
    } catch (error) {
      if (!(error instanceof AuthError) || error.code !== 'UNAUTHENTICATED') throw error
      subscription.end({ errors: toClient([new GraphQLError(error.message, { originalError: error })]) })
    }
  }

  server.post('/graphql/stream', async (request, reply) => {
    if (!request.headers.accept?.includes(CONTENT_TYPE)) {
      throw Object.assign(new Error(`The client does not accept ${CONTENT_TYPE}.`), { statusCode: 406 })
    }
    // The handler compares the whole header.
    request.headers.accept = CONTENT_TYPE
    // For nginx, which would otherwise collect events before it passes them on.
    void reply.header('x-accel-buffering', 'no')
    try {
      await handler(request, reply)
    } catch (error) {
      if (!reply.raw.headersSent) throw error
      // The client has gone while an event was written.
      reply.raw.destroy()
    } finally {
      // The handler writes to the response itself, unless it fails early.
      if (reply.raw.headersSent || reply.raw.destroyed) reply.hijack()
    }
  })

  const stopChecks = runEvery(
    app,
    CHECK_SECONDS,
    endDeadStreams,
    'could not check the sessions of subscriptions',
  )
  server.addHook('onClose', () => stopChecks())
}

/** The only event of a stream that is refused. Without `data`, the handler would not take it for a result. */
function refusal(errors: readonly GraphQLFormattedError[]) {
  return { data: null, errors: errors as unknown as GraphQLError[] }
}

/** Runs `task` when the response is complete or its client has gone, immediately if that has happened already. */
function onClose({ raw }: FastifyReply, task: () => void): void {
  if (raw.destroyed || raw.closed) task()
  else raw.once('close', task)
}

/** Counts what is open at the same time, by account and by network. */
class Places {
  readonly #taken = new Map<string, number>()

  /** @throws AuthError RATE_LIMITED if `max` places are taken */
  take(key: string, max: number): () => void {
    const taken = this.#taken.get(key) ?? 0
    if (taken >= max) {
      throw new AuthError('RATE_LIMITED', {
        message: 'You have too many open subscriptions. End one of them first.',
        extensions: { retryAfter: RETRY_AFTER_SECONDS },
      })
    }
    this.#taken.set(key, taken + 1)
    return () => {
      const left = (this.#taken.get(key) ?? 1) - 1
      if (left > 0) this.#taken.set(key, left)
      else this.#taken.delete(key)
    }
  }
}
