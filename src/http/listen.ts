import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import net, { type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'

/** For the whole request to arrive, so that a slow body cannot hold a connection. */
const REQUEST_TIMEOUT_MS = 20_000
const HEADERS_TIMEOUT_MS = 10_000
/** Longer than the minute for which load balancers keep a connection, so that they close it, not we. */
const KEEP_ALIVE_TIMEOUT_MS = 72_000
/** Node looks for connections past these times no more often than this. */
const CHECKING_INTERVAL_MS = 1000
/** Where no request arrives for so long, none is under way. */
const IDLE_GRACE_MS = 500
/** For each of the two waits of a shutdown, however many requests keep coming. */
const MAX_WAIT_MS = 2000

export type Listener = {
  port: number
  /** Takes no new connections, answers every request that comes on those there are, and ends them. */
  close(): Promise<void>
}

/**
 * Serves on every address of `host`: `localhost` may be 127.0.0.1, ::1 or both.
 *
 * Fastify's own `listen` closes idle connections the moment it is told to close, while a request may be on
 * its way on one, answers 503 to requests on the others, and does not wait for those on a second address.
 * @throws Error when the port is taken
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
        response.once('close', () => this.#unanswered.delete(response))
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
    // Before anybody is told to go: they would come back by a new connection.
    await this.#takeWaiting()
    this.#closing = true
    for (const response of this.#unanswered) {
      if (!response.headersSent) response.setHeader('connection', 'close')
    }
    const closed = once(this.#server, 'close')
    // Not http.Server's: that one ends idle connections at once.
    net.Server.prototype.close.call(this.#server)
    await Promise.race([closed, this.#quiet()])
    this.#server.closeIdleConnections()
    // What has never sent a byte does not count as idle for Node: browsers connect ahead.
    for (const socket of this.#sockets) if (socket.bytesRead === 0) socket.destroy()
    await closed
    // Ends its timer.
    this.#server.close()
  }

  /** Clients that wait may have sent their request; Node takes one of them in a turn of its event loop. */
  async #takeWaiting(): Promise<void> {
    const deadline = performance.now() + MAX_WAIT_MS
    for (let seen = -1; seen !== this.#connections && performance.now() < deadline; ) {
      seen = this.#connections
      await turn()
      await turn()
    }
  }

  /** Resolves when no request has arrived for a while: on a busy machine what was sent may lie unread for long. */
  async #quiet(): Promise<void> {
    const deadline = performance.now() + MAX_WAIT_MS
    for (let seen = -1; seen !== this.#requests && performance.now() < deadline; ) {
      seen = this.#requests
      await sleep(IDLE_GRACE_MS)
      await turn()
    }
  }
}
