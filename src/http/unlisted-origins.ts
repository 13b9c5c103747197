import type { FastifyRequest } from 'fastify'
import type { App } from '../app.ts'

/** The maximum number of origins that the log names, so that invented origins can't flood it. */
const ORIGINS_MAX = 20
const ORIGIN_MAX_LENGTH = 200

/**
 * Logs each origin that CORS keeps out, once. If an operator forgets CORS_ORIGINS, the browser's console mentions only a
 * missing header, and the page's script gets no reason at all. Call it for preflights, which only other origins send.
 */
export function unlistedOriginLog({ config, log }: App): (request: FastifyRequest) => void {
  const logged = new Set<string>()
  return ({ headers: { origin } }) => {
    if (origin === undefined || config.corsOrigins.includes(origin)) return
    const name = origin.slice(0, ORIGIN_MAX_LENGTH)
    if (logged.has(name) || logged.size >= ORIGINS_MAX) return
    logged.add(name)
    log.info({ origin: name }, 'refused a page whose origin is not in CORS_ORIGINS')
  }
}
