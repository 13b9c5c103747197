import { ApolloServer, type ApolloServerPlugin } from '@apollo/server'
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
} from '@apollo/server/plugin/disabled'
import {
  type ASTVisitor,
  GraphQLError,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type ValidationContext,
  type ValidationRule,
} from 'graphql'
import type { App } from '../app.ts'
import type { Context } from '../context.ts'
import { AuthError } from '../errors.ts'
import type { Metrics } from '../metrics.ts'
import type { Tracing } from '../tracing/tracing.ts'
import { faultLog } from './fault-log.ts'
import { formatError } from './format-error.ts'
import { limitsRule } from './limits.ts'
import { sandboxPage } from './sandbox-page.ts'
import { stepUpChallenge } from './step-up-challenge.ts'

export type ApolloParts = {
  /** Whether Sandbox can fall back to GraphiQL. */
  graphiql: boolean
  /** The program's own. */
  plugins: readonly ApolloServerPlugin<Context>[]
}

/** Creates the GraphQL server without starting it. */
export function createApollo(
  { config, requestLimits: limits, tracing }: Pick<App, 'config' | 'requestLimits' | 'tracing'>,
  schema: GraphQLSchema,
  metrics: Metrics,
  { graphiql, plugins }: ApolloParts,
): ApolloServer<Context> {
  return new ApolloServer<Context>({
    schema,
    introspection: config.introspection,
    // What `hideSchemaDetailsFromClientErrors` adds is a plugin, which every request would pass.
    validationOptions: { hideSuggestions: config.production },
    includeStacktraceInErrorResponses: false,
    persistedQueries: false,
    parseOptions: { maxTokens: limits.tokens },
    validationRules: [
      ...validationRules({ requestLimits: limits }),
      ...(schema.getSubscriptionType() ? [withoutSubscriptions] : []),
    ],
    formatError,
    stringifyResult: value => JSON.stringify(value),
    // shutdown.ts handles signals and drains the HTTP server first.
    stopOnTerminationSignals: false,
    plugins: [
      observe(metrics, tracing),
      // It would wrap every resolver, and an authentication API has no cache hints.
      ApolloServerPluginCacheControlDisabled(),
      // It would give any client the timings of a subgraph's resolvers.
      ApolloServerPluginInlineTraceDisabled(),
      config.sandbox ? sandboxPage(graphiql) : ApolloServerPluginLandingPageDisabled(),
      ...plugins,
    ],
  })
}

/** Refuses subscriptions, which Apollo Server would execute once, like a query, without any event. */
function withoutSubscriptions(context: ValidationContext): ASTVisitor {
  return {
    OperationDefinition: ({ operation }) => {
      if (operation !== 'subscription') return
      const originalError = new AuthError('BAD_USER_INPUT', {
        message: 'Send subscriptions to /graphql/stream, as a client for server-sent events.',
      })
      context.reportError(new GraphQLError(originalError.message, { originalError }))
    },
  }
}

/** What also a server of the program's own checks in each document. */
export function validationRules({ requestLimits }: Pick<App, 'requestLimits'>): ValidationRule[] {
  return [limitsRule(requestLimits)]
}

/**
 * Counts requests, logs faults, and gives clients the request ID of a fault and the wait before a retry. `tracing`
 * describes the operation in the active span, which must be one of ours.
 */
export function observe({ operations }: Metrics, tracing: Tracing | undefined): ApolloServerPlugin<Context> {
  const logFaults = faultLog()

  function count(operation: OperationDefinitionNode | undefined, code: string | undefined): void {
    const field = firstField(operation)
    const label = operation && field ? `${operation.operation}.${field}` : 'other'
    operations.inc({ operation: label, code: code ?? 'OK' })
    tracing?.operation({ type: operation?.operation, field, name: operation?.name?.value, code })
  }

  return {
    async requestDidStart() {
      return {
        async didEncounterErrors({ errors, contextValue }) {
          logFaults(errors, contextValue)
        },
        async willSendResponse({ response, operation, contextValue }) {
          const { body } = response
          if (body.kind !== 'single') return
          const { errors } = body.singleResult
          if (!errors) return count(operation, undefined)
          const waits = errors.map(({ extensions }) => Number(extensions?.retryAfter ?? 0))
          const retryAfter = Math.max(0, ...waits)
          const challenge = stepUpChallenge(errors)
          if (challenge) response.http.headers.set('www-authenticate', challenge)
          if (retryAfter > 0) response.http.headers.set('retry-after', String(retryAfter))
          for (const { extensions } of errors) {
            if (extensions?.code === 'INTERNAL_SERVER_ERROR')
              extensions.requestId = contextValue.request.requestId
          }
          count(operation, codeLabel(errors[0]?.extensions?.code))
          if (errors.some(({ extensions }) => extensions?.code === 'RATE_LIMITED')) {
            await contextValue.app.limiter.refusals.turn()
          }
        },
      }
    },
  }
}

/** The first root field, for labels. Operation names would let clients create any number of them. */
function firstField(operation: OperationDefinitionNode | undefined): string | undefined {
  const [first] = operation?.selectionSet.selections ?? []
  return first?.kind === 'Field' ? first.name.value : undefined
}

/** Codes of the embedding program count as well, unless they don't look like names, of which there could be any number. */
function codeLabel(code: unknown): string {
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{0,39}$/.test(code) ? code : 'other'
}
