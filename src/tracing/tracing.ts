import type { IncomingHttpHeaders } from 'node:http'
import {
  context,
  isSpanContextValid,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import type pg from 'pg'
import { traceStatements } from './statements.ts'

/**
 * Spans of operations, other requests, database statements, emails and deliveries to webhooks. They go to the OpenTelemetry SDK that the program has registered.
 * No span contains a value that a client sent, except names of operations.
 */
export type Tracing = {
  /**
   * Runs a GraphQL request in a span. The span continues the active one, if the embedding program has started it, or the
   * trace that the headers name (W3C Trace Context).
   */
  request<Result>(
    headers: IncomingHttpHeaders,
    requestId: string,
    run: () => Promise<Result>,
  ): Promise<Result>
  /**
   * Runs a request to another route in a span, and returns what ends the span. `run` may return before the request has
   * ended; what it starts is part of the span.
   */
  route(facts: RouteFacts, run: () => void): EndRoute
  /** Describes the operation in the span of its request. */
  operation(facts: OperationFacts): void
  /** Traces the statements of a pool that run inside a span; background tasks would fill the traces with polling. */
  statements(pool: pg.Pool): void
  /** Sends an email in a span. The outbox sends it after the operation that caused it, so its trace is its own. */
  email<Result>(facts: { id: string; template: string }, send: () => Promise<Result>): Promise<Result>
  /** Delivers an event to a webhook, or to the program if there is no `host`. Its trace is its own, like an email's. */
  delivery<Result>(facts: DeliveryFacts, send: () => Promise<Result>): Promise<Result>
}

export type RouteFacts = {
  headers: IncomingHttpHeaders
  requestId: string
  method: string
  /** The route, with names in place of what a client chooses, such as `/sign-in/callback/:provider`. */
  route: string
}

/** Ends the span of a route with the status of its response. */
export type EndRoute = (status: number) => void

export type DeliveryFacts = { id: string; event: string; host: string | undefined }

export type OperationFacts = {
  /** query, mutation or subscription; undefined for a document that is invalid. */
  type: string | undefined
  /** The first root field. */
  field: string | undefined
  /** The name that the client gave the operation. */
  name: string | undefined
  /** The first error code, if any. */
  code: string | undefined
}

/** Failures of this server. Other codes tell the client what to change, so they do not mark the span as failed. */
const FAULTS = new Set(['INTERNAL_SERVER_ERROR', 'SERVICE_UNAVAILABLE'])
/** Names of operations are the client's. */
const NAME_MAX_LENGTH = 100

/** Creates spans with the registered SDK. `warn` is called if none is registered yet. */
export function createTracing(warn: (message: string) => void): Tracing {
  const tracer = trace.getTracer('authograph')
  if (!isSpanContextValid(tracer.startSpan('start').spanContext())) {
    warn('TRACING is on, but no OpenTelemetry SDK is registered, so nothing records the spans')
  }
  return {
    request: (headers, requestId, run) => traceRequest(tracer, headers, requestId, run),
    route: (facts, run) => traceRoute(tracer, facts, run),
    operation: facts => {
      const span = trace.getActiveSpan()
      if (span) describe(span, facts)
    },
    statements: pool => traceStatements(pool, tracer),
    email: ({ id, template }, send) =>
      tracer.startActiveSpan(
        'send email',
        {
          root: true,
          kind: SpanKind.CLIENT,
          attributes: { 'authograph.mail.id': id, 'authograph.mail.template': template },
        },
        span => ending(span, send),
      ),
    delivery: ({ id, event, host }, send) =>
      tracer.startActiveSpan(
        'deliver event',
        {
          root: true,
          kind: SpanKind.CLIENT,
          attributes: {
            'authograph.webhook.delivery_id': id,
            'authograph.webhook.event': event,
            ...(host !== undefined && { 'server.address': host }),
          },
        },
        span => ending(span, send),
      ),
  }
}

function traceRequest<Result>(
  tracer: Tracer,
  headers: IncomingHttpHeaders,
  requestId: string,
  run: () => Promise<Result>,
): Promise<Result> {
  // The name that the conventions have for a request without an operation.
  const { span, within } = startRequestSpan(tracer, 'GraphQL Operation', { headers, requestId })
  return context.with(within, () => ending(span, run))
}

/** By the semantic conventions for HTTP servers. */
function traceRoute(tracer: Tracer, { method, route, ...request }: RouteFacts, run: () => void): EndRoute {
  const { span, within } = startRequestSpan(tracer, `${method} ${route}`, request)
  span.setAttributes({ 'http.request.method': method, 'http.route': route })
  context.with(within, run)
  return status => {
    span.setAttribute('http.response.status_code', status)
    if (status >= 500) fail(span, String(status))
    span.end()
  }
}

function startRequestSpan(
  tracer: Tracer,
  name: string,
  { headers, requestId }: Pick<RouteFacts, 'headers' | 'requestId'>,
) {
  const embedded = trace.getActiveSpan() !== undefined
  const parent = embedded ? context.active() : propagation.extract(context.active(), headers)
  const options = {
    kind: embedded ? SpanKind.INTERNAL : SpanKind.SERVER,
    attributes: { 'authograph.request_id': requestId },
  }
  const span = tracer.startSpan(name, options, parent)
  return { span, within: trace.setSpan(parent, span) }
}

/** Runs the task and ends the span. The message of an error may quote what a client sent, so only its type is recorded. */
async function ending<Result>(span: Span, run: () => Promise<Result>): Promise<Result> {
  try {
    return await run()
  } catch (error) {
    const { code, name } = error as NodeJS.ErrnoException
    fail(span, code ?? name)
    throw error
  } finally {
    span.end()
  }
}

/**
 * By the semantic conventions for GraphQL servers, except that the name of the span includes the field: unlike the
 * operation's name, it is one of a known set.
 */
function describe(span: Span, { type, field, name, code }: OperationFacts): void {
  if (type && field) span.updateName(`${type} ${field}`).setAttribute('graphql.operation.type', type)
  if (name) span.setAttribute('graphql.operation.name', name.slice(0, NAME_MAX_LENGTH))
  if (!code) return
  if (FAULTS.has(code)) fail(span, code)
  else span.setAttribute('error.type', code)
}

function fail(span: Span, type: string): void {
  span.setAttribute('error.type', type).setStatus({ code: SpanStatusCode.ERROR })
}
