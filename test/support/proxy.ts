import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import pg from 'pg'

/** A line to a database that a test can cut and stall, as networks do. */
export type DatabaseProxy = {
  /** Leads to the database for as long as the line holds. */
  url: string
  /** Breaks every connection and refuses new ones, as when the server is stopped. */
  cut(): Promise<void>
  /** Lets connections come and stay, but no byte through in either direction, not even that one side is gone. */
  stall(): void
  /** Mends the line: what was held up arrives after all. */
  restore(): Promise<void>
  /** Mends the line for new connections; what was held up stays so, and neither side ever hears of it. */
  abandon(): void
  close(): Promise<void>
}

export async function startProxy(databaseUrl: string): Promise<DatabaseProxy> {
  const { host, port } = new pg.Client(databaseUrl)
  const target = host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port }
  const lines = new Set<Line>()
  let stalled = false
  const server = createServer({ pauseOnConnect: true }, client => {
    const line = new Line(client, connect(target), () => lines.delete(line))
    lines.add(line)
    if (!stalled) line.open()
  })
  const listenAt = await listen(server, 0)
  const url = new URL(databaseUrl)
  url.host = `127.0.0.1:${listenAt}`
  url.search = '?sslmode=disable'
  const cut = async () => {
    stalled = false
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    for (const line of lines) line.break()
    await closed
  }
  return {
    url: url.href,
    cut,
    stall: () => {
      stalled = true
      for (const line of lines) line.hold()
    },
    restore: async () => {
      stalled = false
      for (const line of lines) line.open()
      if (!server.listening) await listen(server, listenAt)
    },
    abandon: () => {
      stalled = false
    },
    close: cut,
  }
}

async function listen(server: Server, port: number): Promise<number> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** One connection through the proxy. */
class Line {
  readonly #client: Socket
  readonly #server: Socket
  #held = true

  constructor(client: Socket, server: Socket, onEnd: () => void) {
    this.#client = client
    this.#server = server
    for (const socket of [client, server]) {
      socket.on('error', () => {})
      socket.on('close', () => {
        if (client.destroyed && server.destroyed) onEnd()
        else if (!this.#held) this.break()
      })
    }
  }

  open(): void {
    if (!this.#held) return
    this.#held = false
    this.#client.pipe(this.#server)
    this.#server.pipe(this.#client)
    if (this.#client.destroyed || this.#server.destroyed) this.break()
  }

  hold(): void {
    this.#held = true
    for (const socket of [this.#client, this.#server]) {
      socket.unpipe()
      socket.pause()
    }
  }

  break(): void {
    this.#client.destroy()
    this.#server.destroy()
  }
}
