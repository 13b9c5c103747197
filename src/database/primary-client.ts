import pg from 'pg'
import type { Primary } from './primary.ts'
import type { Server } from './server.ts'

type Callback = (error: Error | null, client?: pg.Client) => void

/** A client for a pool, which connects to the server that is the primary at that moment. */
export class PrimaryClient extends pg.Client {
  /** The server it is connected to. */
  server: Server | undefined
  readonly #primary: Primary

  constructor(primary: Primary, config: pg.ClientConfig) {
    super(config)
    this.#primary = primary
  }

  /** For the pool, which passes a callback. */
  override connect(callback?: unknown): Promise<this> {
    const done = callback as Callback
    this.#primary.pick().then(server => this.#connectTo(server, done), done)
    return Promise.resolve(this)
  }

  #connectTo(server: Server, done: Callback): void {
    // The pool gives up on a connection by destroying its stream, which no one would notice before it connects.
    if (this.connection.stream.destroyed) {
      done(new Error('timeout exceeded when trying to connect'))
      return
    }
    this.server = server
    server.aim(this)
    // With a callback, the pool listens for errors before the next message is read.
    const connected: Callback = error => {
      if (error) this.#primary.failed(server, error)
      done(error, this)
    }
    super.connect(connected as (error: Error) => void)
  }
}

/** The class that a pool creates its clients from. */
export function clientOf(primary: Primary): new (config?: pg.ClientConfig) => PrimaryClient {
  return class extends PrimaryClient {
    constructor(config: pg.ClientConfig = {}) {
      super(primary, config)
    }
  }
}
