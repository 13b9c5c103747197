import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type { App } from '../app.ts'
import { pendingMigrations } from '../database/migrate.ts'
import type { Metrics } from '../metrics.ts'

/** Routes for operators: liveness, readiness and metrics. */
export function healthRoutes(server: FastifyInstance, app: App, { registry, report }: Metrics): void {
  // Only the built-in database is part of this process. An external one is no reason to restart it.
  server.get('/healthz', async (_request, reply) =>
    app.databaseIsUp()
      ? { status: 'ok' }
      : reply.code(503).send({ status: 'the built-in database is restarting' }),
  )

  server.get('/readyz', async (_request, reply) => {
    try {
      const pending = await pendingMigrations(app.pool)
      if (pending.length === 0) return { status: 'ok' }
      return await reply.code(503).send({ status: 'migrations pending', pending })
    } catch (error) {
      app.log.warn({ err: error }, 'not ready')
      return reply.code(503).send({ status: 'database unreachable' })
    }
  })

  const { production, metricsToken } = app.config
  if (production && !metricsToken) return
  server.get('/metrics', async (request, reply) => {
    if (metricsToken && !sameText(request.headers.authorization ?? '', `Bearer ${metricsToken}`)) {
      return reply.code(401).header('www-authenticate', 'Bearer').send()
    }
    return reply.type(registry.contentType).send(await report())
  })
}

/** Takes the same time wherever the texts first differ. */
function sameText(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
