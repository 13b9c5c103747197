import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { App } from '../app.ts'
import type { EndRoute } from '../tracing/tracing.ts'

/** Traces the routes of a scope. Without TRACING, nothing is added to them. */
export function traceRoutes(scope: FastifyInstance, { tracing }: Pick<App, 'tracing'>): void {
  if (!tracing) return
  const ends = new WeakMap<FastifyRequest, EndRoute>()
  scope.addHook('preHandler', (request, _reply, done) => {
    const { headers, id: requestId, method } = request
    const route = request.routeOptions.url ?? ''
    ends.set(request, tracing.route({ headers, requestId, method, route }, done))
  })
  scope.addHook('onResponse', (request, reply, done) => {
    ends.get(request)?.(reply.statusCode)
    done()
  })
}
