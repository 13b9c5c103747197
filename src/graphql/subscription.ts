import {
  createSourceEventStream,
  type DocumentNode,
  execute,
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  getOperationAST,
} from 'graphql'
import type { App } from '../app.ts'
import type { Context } from '../context.ts'
import { AuthError } from '../errors.ts'
import { readDocument, toClient } from './document.ts'

/** What a client subscribes to. */
export type SubscriptionRequest = {
  query: string
  operationName?: string | null | undefined
  variables?: Record<string, unknown> | null | undefined
}

/** One event as the client receives it. */
export type Delivery = { data?: Record<string, unknown> | null; errors?: readonly GraphQLFormattedError[] }

export type Subscription = {
  /** The first root field, for the metrics. */
  field: string
  /** The context of the request. Whether a guard has asked it for the viewer: see `guarded`. */
  context: Context
  /** Whether the subscription depends on the session. */
  guarded: () => boolean
  /** The events until `end` is called, the source ends, or the viewer may no longer receive them. */
  deliveries: AsyncGenerator<Delivery, void, void>
  /** Ends the events, after `last` if it is given. */
  end(last?: Delivery): void
}

export type SubscribeOptions = {
  app: App
  schema: GraphQLSchema
  /** Creates a context for the request, and another for each event, so that guards ask the database again. */
  newContext: (authenticated: () => void) => Promise<Context>
  onErrors: (errors: readonly GraphQLError[], context: Context) => void
}

/** Codes of a subscription that its viewer may no longer receive. */
const DENIED = new Set<unknown>(['UNAUTHENTICATED', 'FORBIDDEN', 'STEP_UP_REQUIRED'])

/**
 * Starts a subscription within the limits of documents. Its guards run before its source is asked for events, and again
 * with each event. Resolves to the errors instead if it is invalid or refused.
 */
export async function startSubscription(
  options: SubscribeOptions,
  { query, operationName, variables }: SubscriptionRequest,
): Promise<Subscription | { errors: readonly GraphQLFormattedError[] }> {
  const { app, schema, newContext, onErrors } = options
  const { document, errors } = readDocument(schema, query, app.requestLimits, app.config.production)
  if (!document) return { errors: toClient(errors) }
  const operation = getOperationAST(document, operationName)
  if (operation?.operation !== 'subscription') return { errors: toClient([notASubscription()]) }
  let guarded = false
  const context = await newContext(() => {
    guarded = true
  })
  const args = { schema, document, operationName, variableValues: variables }
  const source = await sourceOf({ ...args, contextValue: context })
  if (!(Symbol.asyncIterator in source)) {
    onErrors(source.errors, context)
    return { errors: toClient(source.errors) }
  }
  const [selection] = operation.selectionSet.selections
  const events = new Events(source)

  async function* deliveries(): AsyncGenerator<Delivery, void, void> {
    try {
      for (let event = await events.next(); event; event = await events.next()) {
        const delivery = await deliver(event.value)
        yield delivery
        if (isDenied(delivery)) return
      }
      if (events.last) yield events.last
    } catch (error) {
      const failed = [failure(error)]
      onErrors(failed, context)
      yield { errors: toClient(failed) }
    } finally {
      events.end()
    }
  }

  async function deliver(rootValue: unknown): Promise<Delivery> {
    const contextValue = await newContext(() => {
      guarded = true
    })
    const { data, errors } = await execute({ ...args, rootValue, contextValue })
    if (!errors) return { data: data ?? null }
    onErrors(errors, contextValue)
    return { data: data ?? null, errors: toClient(errors) }
  }

  return {
    field: selection?.kind === 'Field' ? selection.name.value : 'other',
    context,
    guarded: () => guarded,
    deliveries: deliveries(),
    end: last => events.end(last),
  }
}

type Source = AsyncIterable<unknown> | { errors: readonly GraphQLError[] }

/** The events of a subscription, or the errors of its guards and its `subscribe` function. */
async function sourceOf(args: {
  schema: GraphQLSchema
  document: DocumentNode
  operationName?: string | null | undefined
  variableValues?: Record<string, unknown> | null | undefined
  contextValue: Context
}): Promise<Source> {
  try {
    const source = await createSourceEventStream(args)
    return Symbol.asyncIterator in source ? source : { errors: source.errors ?? [] }
  } catch (error) {
    // `subscribe` returned something else than events.
    return { errors: [failure(error)] }
  }
}

/** The error for a source that fails. */
function failure(error: unknown): GraphQLError {
  const originalError = error instanceof Error ? error : new Error(String(error))
  return new GraphQLError('The subscription failed.', { path: [], originalError })
}

function isDenied({ errors }: Delivery): boolean {
  return errors?.some(({ path, extensions }) => path?.length === 1 && DENIED.has(extensions?.code)) ?? false
}

function notASubscription(): GraphQLError {
  const message = 'Only subscriptions are answered here. Send queries and mutations to /graphql.'
  return new GraphQLError(message, { originalError: new AuthError('BAD_USER_INPUT', { message }) })
}

/** The events of a source that can be ended from outside, even while it has no event. */
class Events {
  readonly #source: AsyncIterator<unknown>
  #ended = false
  #wake: (() => void) | undefined
  /** What to deliver after the last event. */
  last: Delivery | undefined

  constructor(source: AsyncIterable<unknown>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  /** The next event; undefined when there are no more. */
  async next(): Promise<{ value: unknown } | undefined> {
    if (this.#ended) return undefined
    // A new promise for each event: a race with one promise that outlives them would keep every event in memory.
    return new Promise((resolve, reject) => {
      this.#wake = () => resolve(undefined)
      this.#source.next().then(({ done, value }) => resolve(done ? undefined : { value }), reject)
    })
  }

  end(last?: Delivery): void {
    if (this.#ended) return
    this.#ended = true
    this.last = last
    this.#wake?.()
    // A source that waits for its next event may take its time to end. A failure to end changes nothing for the client.
    void Promise.resolve(this.#source.return?.()).catch(() => {})
  }
}
