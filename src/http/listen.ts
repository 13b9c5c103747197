import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import net, { type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { returnConnections } from '../workers/messages.ts'

/** The whole request must arrive within this time, so that a slow body can't hold a connection. */
const REQUEST_TIMEOUT_MS = 20_000
const HEADERS_TIMEOUT_MS = 10_000
/** Longer than the minute for which load balancers keep an idle connection, so that they close it first. */
const KEEP_ALIVE_TIMEOUT_MS = 72_000
/** How often Node checks connections against these timeouts. */
const CHECKING_INTERVAL_MS = 1000
/** If no request arrives within this time, none is in transit. */
const IDLE_GRACE_MS = 500
/** The maximum for each of the two waits of a shutdown, even if requests keep arriving. */
const MAX_WAIT_MS = 2000

export type Listener = {
  port: number
  /** Accepts no new connections, answers every request on the open ones, and closes them. */
  close(): Promise<void>
}

/**
 * Listens on every address of `host`: `localhost` may be 127.0.0.1, ::1 or both.
 *
 * Replaces Fastify's `listen`, which on close drops idle connections even if a request is in transit, answers 503 on
 * the others, and doesn't wait for connections on a second address.
 * @throws Error if the port is in use
 */
export async function listen(
  fastify: FastifyInstance,
  { host, port }: { host: string; port: number },
): Promise<Listener> {
  await fastify.ready()
  const [first, ...others] = await addressesOf(host)
  const main = await Endpoint.open(fastify, first ?? host, port)
  const more = await Promise.allSettled(others.map(other => Endpoint.open(fastify, other, main.port)))
  const endpoints = [main, ...more.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))]
  return {
    port: main.port,
    close: async () => {
      await Promise.all(endpoints.map(endpoint => endpoint.close()))
      await returnConnections()
    },
  }
}

async function addressesOf(host: string): Promise<string[]> {
  if (host !== 'localhost') return [host]
  const found = await lookup(host, { all: true })
  return [...new Set(found.map(({ address }) => address))]
}

class Endpoint {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #unanswered = new Set<ServerResponse>()
  #connections = 0
  #requests = 0
  #closing = false

  private constructor(fastify: FastifyInstance) {
    const unanswered = this.#unanswered
    // One function for all responses.
    function answered(this: ServerResponse) {
      unanswered.delete(this)
    }
    this.#server = createServer(
      {
        requestTimeout: REQUEST_TIMEOUT_MS,
        headersTimeout: HEADERS_TIMEOUT_MS,
        keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
        connectionsCheckingInterval: CHECKING_INTERVAL_MS,
      },
      (request, response) => {
        this.#requests++
        if (this.#closing) response.setHeader('connection', 'close')
        this.#unanswered.add(response)
        response.on('close', answered)
        fastify.routing(request, response)
      },
    )
    this.#server.on('connection', socket => {
      this.#connections++
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
    this.#server.on('clientError', (error, socket) => fastify.server.emit('clientError', error, socket))
  }

  static async open(fastify: FastifyInstance, host: string, port: number): Promise<Endpoint> {
    const endpoint = new Endpoint(fastify)
    endpoint.#server.listen({ host, port })
    await once(endpoint.#server, 'listening')
    return endpoint
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    // Before any client receives `connection: close`, because it would open a new connection.
    await this.#acceptPending()
    this.#closing = true
    for (const response of this.#unanswered) {
      if (!response.headersSent) response.setHeader('connection', 'close')
    }
    const closed = once(this.#server, 'close')
    // http.Server's own `close` would drop idle connections immediately.
    net.Server.prototype.close.call(this.#server)
    await Promise.race([closed, this.#quiet()])
    this.#server.closeIdleConnections()
    // Browsers preconnect, and Node doesn't count a connection as idle until it has received a byte.
    for (const socket of this.#sockets) if (socket.bytesRead === 0) socket.destroy()
    await closed
    // Stops the server's timer.
    this.#server.close()
  }

  /** Accepts pending connections, whose clients may have sent a request. Node accepts one per turn of its event loop. */
  async #acceptPending(): Promise<void> {
    const deadline = performance.now() + MAX_WAIT_MS
    for (let seen = -1; seen !== this.#connections && performance.now() < deadline; ) {
      seen = this.#connections
      await turn()
      await turn()
    }
  }

  /** Resolves when no request has arrived for a while. On a busy machine, received data may stay unread for long. */
  async #quiet(): Promise<void> {
    const deadline = performance.now() + MAX_WAIT_MS
    for (let seen = -1; seen !== this.#requests && performance.now() < deadline; ) {
      seen = this.#requests
      await sleep(IDLE_GRACE_MS)
      await turn()
    }
  }
}
