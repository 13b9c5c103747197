import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { type DatabaseUrl, parseDatabaseUrl } from '../database-url.ts'
import { readEnvironment } from '../environment.ts'
import { Server } from './server.ts'
import type { ServerFacts } from './server-facts.ts'

/** How long to wait for the other servers once one accepts writes: a former primary may do so too. */
const GRACE_MS = 300
/** Keeps requests from connecting again and again while no server accepts writes. */
const REFUSE_MS = 250
const WATCH_MS = 1000

/** No server accepts writes at the moment. */
export class NoPrimaryError extends Error {}

type Observation = { server: Server; facts?: ServerFacts; problem?: string }

/**
 * Finds the server of DATABASE_URL that accepts writes, and closes all connections to one that no longer does: a
 * standby and a former primary answer with old data. Of two servers that accept writes, the primary is the one with the
 * higher timeline, which each promotion raises.
 */
export class Primary {
  readonly url: DatabaseUrl
  readonly #servers: Server[]
  readonly #onChange: (message: string) => void
  readonly #open = new Set<pg.Client>()
  #current: Server | undefined
  #search: Promise<Server> | undefined
  #refusal: { error: Error; until: number } | undefined
  /** The newest timeline that this process has seen. */
  #newest: { systemId: string; timeline: number } | undefined
  #watch: NodeJS.Timeout | undefined

  constructor(databaseUrl: string, onChange: (message: string) => void = () => {}) {
    this.url = parseDatabaseUrl(databaseUrl)
    this.#onChange = onChange
    const mode = readEnvironment().PGSSLMODE
    this.#servers = this.url.hosts.map(host => new Server(this.url, host, mode))
    if (this.#servers.length > 1) this.watch()
    else if (this.#servers[0]?.isPlain) this.#current = this.#servers[0]
  }

  get servers(): number {
    return this.#servers.length
  }

  /** The server to connect to. @throws NoPrimaryError */
  async pick(): Promise<Server> {
    if (this.#refusal && performance.now() < this.#refusal.until) throw this.#refusal.error
    if (this.#current) return this.#current
    this.#search ??= this.#find().finally(() => {
      this.#search = undefined
    })
    return this.#search
  }

  async #find(): Promise<Server> {
    const observations = await this.#observeAll()
    const best = observations.reduce<Observation | undefined>((chosen, each) => {
      if (each.problem !== undefined) return chosen
      return !chosen || isNewer(each.facts, chosen.facts) ? each : chosen
    }, undefined)
    if (this.#servers.length === 1) this.#servers[0]?.forget()
    if (!best?.facts) {
      const reasons = observations.map(({ server, problem }) => `${server.name}: ${problem}`).join('; ')
      throw this.#refuse(`No server of DATABASE_URL accepts writes. ${reasons}`)
    }
    if (this.#learn(best.facts)) this.#close(`${best.server.name} is the new primary`)
    this.#current = best.server
    return best.server
  }

  async #observeAll(): Promise<Observation[]> {
    const seen: Observation[] = []
    let found = () => {}
    const oneFound = new Promise<void>(resolve => {
      found = resolve
    })
    const all = Promise.all(
      this.#servers.map(async server => {
        const observation = await this.#observe(server)
        seen.push(observation)
        if (observation.problem === undefined) found()
      }),
    )
    await Promise.race([all, oneFound.then(() => sleep(GRACE_MS))])
    return seen.sort((a, b) => this.#servers.indexOf(a.server) - this.#servers.indexOf(b.server))
  }

  async #observe(server: Server): Promise<Observation> {
    try {
      const facts = await server.observe()
      const problem = this.#problemOf(facts)
      return { server, facts, ...(problem !== undefined && { problem }) }
    } catch (error) {
      const { message, code } = error as NodeJS.ErrnoException
      return { server, problem: message || code || 'unreachable' }
    }
  }

  /**
   * Takes a new connection into use. @throws NoPrimaryError when its server accepts no writes, or is a former primary
   */
  enter(client: pg.Client, server: Server | undefined, facts: ServerFacts): void {
    const problem = this.#problemOf(facts)
    if (problem !== undefined) {
      const error = this.#refuse(`The database server ${server?.name ?? ''} ${problem}.`)
      this.leave(error.message, server)
      throw error
    }
    if (this.#learn(facts)) this.#close('a newer primary was found')
    this.#open.add(client)
    client.once('end', () => this.#open.delete(client))
    client.connection.on('errorMessage', ({ code }: { code?: string }) => {
      // read_only_sql_transaction
      if (code === '25006') this.leave('the server accepts no writes', server)
    })
  }

  /** A connection to the server failed. */
  failed(server: Server, error: unknown): void {
    // A wrong password or too many connections say nothing about the server.
    const isRefusal =
      error instanceof pg.DatabaseError && !['57', '08'].includes(error.code?.slice(0, 2) ?? '')
    if (isRefusal || (this.#servers.length === 1 && server.isPlain)) return
    if (this.#current === server) this.#current = undefined
  }

  /** Closes all connections. With several servers, the next request looks for the primary. */
  leave(reason: string, server = this.#current): void {
    if (this.#current && server !== this.#current) return
    if (this.#servers.length > 1) this.#current = undefined
    this.#close(reason)
  }

  /** Asks the servers every second what they are, if a connection does not tell: there are several, or a pooler. */
  watch(): void {
    this.#watch ??= setInterval(() => {
      for (const server of this.#servers) void this.#check(server)
    }, WATCH_MS).unref()
  }

  async #check(server: Server): Promise<void> {
    const { facts, problem } = await this.#observe(server)
    if (!facts || !this.#watch) return
    if (problem !== undefined) {
      if (server === this.#current && this.#open.size > 0) this.leave(`${server.name} ${problem}`)
    } else if (this.#learn(facts)) {
      this.#current = server
      this.#close(`${server.name} is the new primary`)
    }
  }

  stop(): void {
    clearInterval(this.#watch)
    this.#watch = undefined
    for (const server of this.#servers) server.stop()
  }

  #problemOf({ inRecovery, readOnly, timeline, systemId }: ServerFacts): string | undefined {
    if (inRecovery) return 'is a standby'
    if (readOnly) return 'accepts no writes'
    const newest = this.#newest
    const isFormer =
      newest && systemId === newest.systemId && timeline !== undefined && timeline < newest.timeline
    return isFormer ? `is a former primary (timeline ${timeline}, now ${newest.timeline})` : undefined
  }

  /** Remembers the timeline. Returns whether it is newer than that of the connections that are open. */
  #learn({ systemId, timeline }: ServerFacts): boolean {
    if (systemId === undefined || timeline === undefined) return false
    const before = this.#newest
    const isPromoted = before?.systemId === systemId && timeline > before.timeline
    this.#newest = { systemId, timeline }
    return isPromoted
  }

  #refuse(message: string): NoPrimaryError {
    const error = new NoPrimaryError(message)
    this.#refusal = { error, until: performance.now() + REFUSE_MS }
    return error
  }

  #close(reason: string): void {
    if (this.#open.size > 0) this.#onChange(reason)
    for (const client of this.#open) {
      client.connection.stream.destroy(new NoPrimaryError(`The database connection was closed: ${reason}`))
    }
    this.#open.clear()
  }
}

function isNewer(one: ServerFacts | undefined, other: ServerFacts | undefined): boolean {
  return one?.systemId === other?.systemId && (one?.timeline ?? 0) > (other?.timeline ?? 0)
}
