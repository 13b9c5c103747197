import { context, SpanKind, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api'
import type pg from 'pg'

type Callback = (error: Error | null | undefined, ...rest: unknown[]) => void
type Query = (...args: unknown[]) => unknown

/**
 * Traces the statements that run inside a span, by the semantic conventions for PostgreSQL. The spans have neither the
 * text of a statement nor its values.
 */
export function traceStatements(pool: pg.Pool, tracer: Tracer): void {
  const connect = pool.connect.bind(pool) as (callback?: Callback) => unknown
  // The pool hands out a connection in the turn of the request that released it. The statement belongs to the request
  // that asked for it.
  const connectInContext = (callback?: Callback) =>
    connect(callback && context.bind(context.active(), callback))
  pool.connect = connectInContext as typeof pool.connect
  pool.on('connect', client => {
    client.query = tracedQuery(client.query.bind(client) as Query, tracer) as typeof client.query
  })
}

function tracedQuery(query: Query, tracer: Tracer): Query {
  return (...args) => {
    if (!trace.getActiveSpan()?.isRecording()) return query(...args)
    const span = startSpan(tracer, args[0])
    const end = (error?: unknown) => {
      if (error) {
        const { code, name } = error as { code?: string; name: string }
        // The message and the detail of an error may quote a row.
        span.setAttribute('error.type', code ?? name).setStatus({ code: SpanStatusCode.ERROR })
      }
      span.end()
    }
    const callback = args.at(-1)
    if (typeof callback === 'function') {
      const ended: Callback = (error, ...rest) => {
        end(error)
        callback(error, ...rest)
      }
      return query(...args.slice(0, -1), ended)
    }
    const result = query(...args)
    if (result instanceof Promise) result.then(() => end(), end)
    else end()
    return result
  }
}

function startSpan(tracer: Tracer, statement: unknown) {
  const { name, text = '' } =
    typeof statement === 'string'
      ? { text: statement, name: undefined }
      : (statement as { name?: string; text?: string })
  const summary = summaryOf(text)
  return tracer.startSpan(name ?? summary, {
    kind: SpanKind.CLIENT,
    attributes: { 'db.system.name': 'postgresql', 'db.query.summary': summary },
  })
}

/** The operation and the first table, such as `SELECT users`. */
function summaryOf(text: string): string {
  const [operation = ''] = /\w+/.exec(text) ?? []
  const [, table] = /\b(?:FROM|INTO|UPDATE|TABLE)\s+(?:ONLY\s+)?(?:"?public"?\.)?"?(\w+)/i.exec(text) ?? []
  return [operation.toUpperCase(), table].filter(Boolean).join(' ')
}
