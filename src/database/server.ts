import type { Socket } from 'node:net'
import pg from 'pg'
import type { DatabaseHost, DatabaseUrl } from '../database-url.ts'
import { readFacts, type ServerFacts } from './server-facts.ts'
import { isTlsFailure, type TlsAttempts, tlsAttempts } from './tls.ts'

/** Shorter than the time a request waits for a connection, so that the search for a server ends within it. */
const OBSERVE_MS = 1000

/** One server of DATABASE_URL, and a connection of its own to ask it what it is. */
export class Server {
  readonly #url: DatabaseUrl
  readonly #host: DatabaseHost
  readonly #mode: string | undefined
  /** How many attempts failed because the server has no TLS. */
  #skipped = 0
  #monitor: pg.Client | undefined
  #observing: Promise<ServerFacts> | undefined
  #isStopped = false

  constructor(url: DatabaseUrl, host: DatabaseHost, mode: string | undefined) {
    this.#url = url
    this.#host = host
    this.#mode = mode
  }

  /** Such as `db1.example.com:5432`. */
  get name(): string {
    const { host, port } = this.#host
    return `${host || 'localhost'}${port ? `:${port}` : ''}`
  }

  /** Whether it is known how to connect, without having asked the server. */
  get isPlain(): boolean {
    return this.#attempts().length === 1
  }

  /** Points a client that has not connected yet to this server. */
  aim(client: pg.Client): void {
    const attempts = this.#attempts()
    const ssl = attempts[this.#skipped] ?? attempts[0]
    const { host, port } = this.#host
    if (host) client.host = host
    if (port) client.port = port
    // pg decides on TLS when it connects, by these two.
    const inner = client as unknown as { ssl: unknown; connection: { ssl: unknown } }
    inner.ssl = inner.connection.ssl = ssl
  }

  #attempts(): TlsAttempts {
    return tlsAttempts(this.#url, this.#host.host, this.#mode)
  }

  /** Asks the server what it is, within about a second. */
  observe(): Promise<ServerFacts> {
    this.#observing ??= this.#observe().finally(() => {
      this.#observing = undefined
    })
    return this.#observing
  }

  async #observe(): Promise<ServerFacts> {
    const client = this.#monitor ?? (await this.#connect())
    this.#monitor = client
    const stream = client.connection.stream as unknown as Socket
    stream.ref()
    try {
      return await readFacts(client)
    } catch (error) {
      this.forget()
      throw error
    } finally {
      // Between observations, it does not keep the process alive.
      stream.unref()
      if (this.#isStopped) this.forget()
    }
  }

  async #connect(): Promise<pg.Client> {
    const last = this.#attempts().length - 1
    for (this.#skipped = 0; ; this.#skipped++) {
      const client = new pg.Client({
        ...clientConfig(this.#url),
        connectionTimeoutMillis: OBSERVE_MS,
        query_timeout: OBSERVE_MS,
      })
      this.aim(client)
      client.on('error', () => {
        if (this.#monitor === client) this.#monitor = undefined
      })
      try {
        await client.connect()
        return client
      } catch (error) {
        client.connection.stream.destroy()
        if (this.#skipped >= last || !isTlsFailure(error)) throw error
      }
    }
  }

  /** Closes its own connection, and that of an observation that has not ended. */
  stop(): void {
    this.#isStopped = true
    this.forget()
  }

  /** Closes its own connection. */
  forget(): void {
    this.#monitor?.connection.stream.destroy()
    this.#monitor = undefined
  }
}

/** What all connections have in common, whichever server they go to. */
export function clientConfig(url: DatabaseUrl): pg.ClientConfig {
  const { user, password, dbname: database, options, applicationName, sslnegotiation } = url
  return {
    ...(user !== undefined && { user }),
    ...(password !== undefined && { password }),
    ...(database !== undefined && { database }),
    ...(options !== undefined && { options }),
    application_name: applicationName ?? 'authograph',
    // The server replaces it before it connects.
    ssl: sslnegotiation === 'direct',
    sslnegotiation,
    enableChannelBinding: url.bindsChannel,
    keepAlive: true,
  }
}
