import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import type { App } from '../app.ts'
import { basePathOf, withoutBasePath } from '../page-addresses.ts'
import { type Handover, handOver } from './handover.ts'
import { errorBody } from './request-errors.ts'

/** The time that requests in progress have when the service closes. */
const CLOSE_TIMEOUT_MS = 9000
const RETRY_AFTER_SECONDS = 2
const WELL_KNOWN = '/.well-known'

/** Where another server received a request. */
export type Arrival = {
  /** The address below the path at which Authograph is mounted. */
  url: string
  /** The address as the client sent it. */
  originalUrl: string
  ipAddress: string | undefined
  /** Whether the other server goes on with requests for which there is no route here. */
  canPass: boolean
}

/** Lets another server hand its requests to the service. */
export type Mount = {
  /** Answers the request. Returns true instead if the other server must go on with it. */
  handle(request: IncomingMessage, response: ServerResponse, arrival: Arrival): boolean
  /** Logs if Authograph is mounted at another path than PUBLIC_URL says, once for each. */
  checkPath(path: string): void
  /** Refuses new requests and waits for those in progress. */
  close(): Promise<void>
}

export function createMount({ config, log }: App, fastify: FastifyInstance): Mount {
  const basePath = basePathOf(config.publicUrl)
  const underWay = new Set<ServerResponse>()
  const checked = new Set([basePath, WELL_KNOWN, ''])
  let closing = false
  let idle: (() => void) | undefined

  function track(response: ServerResponse): () => void {
    const done = () => {
      underWay.delete(response)
      if (underWay.size === 0) idle?.()
    }
    underWay.add(response)
    response.once('close', done)
    // Test doubles of responses may finish without closing.
    response.once('finish', done)
    return done
  }

  function checkPath(path: string): void {
    if (checked.has(path)) return
    checked.add(path)
    log.warn(
      { path, publicUrl: config.publicUrl },
      'the path at which Authograph is mounted differs from that of PUBLIC_URL, which its links and pages use',
    )
  }

  return {
    checkPath,
    handle(request, response, { url, originalUrl, ipAddress, canPass }) {
      if (closing) {
        refuse(response)
        return false
      }
      if (originalUrl.endsWith(url)) checkPath(originalUrl.slice(0, originalUrl.length - url.length))
      const handover: Handover = { ipAddress, canPass, passed: false }
      handOver(request, handover)
      const done = track(response)
      const outerUrl = request.url
      request.url = targetOf(url, originalUrl, basePath)
      fastify.routing(request, response)
      if (!handover.passed) return false
      done()
      request.url = outerUrl
      return true
    },
    async close() {
      closing = true
      if (underWay.size === 0) return
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, CLOSE_TIMEOUT_MS)
        idle = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    },
  }
}

/**
 * The address among the routes of the service. Express removes the path of `use('/auth', …)`, but not of
 * `all('/auth/*splat', …)`, and node:http removes nothing. What browsers look up at the root of the domain can be mounted
 * at /.well-known.
 */
function targetOf(url: string, originalUrl: string, basePath: string): string {
  if (originalUrl.startsWith(`${WELL_KNOWN}/`)) return originalUrl
  return (basePath && withoutBasePath(originalUrl, basePath)) || url
}

function refuse(response: ServerResponse): void {
  response.writeHead(503, {
    'content-type': 'application/json; charset=utf-8',
    'retry-after': String(RETRY_AFTER_SECONDS),
    connection: 'close',
  })
  response.end(
    JSON.stringify(errorBody('SERVICE_UNAVAILABLE', undefined, { retryAfter: RETRY_AFTER_SECONDS })),
  )
}
