import { setTimeout as sleep } from 'node:timers/promises'
import type { Presence } from './presence.ts'

export type KeepOptions = {
  /** Connects to the server, and starts it if needed, until aborted. */
  start: (aborted: AbortSignal) => Promise<Presence>
  log: (message: string) => void
  /** Called once, when the server could not be restarted. */
  onGone: (error: Error) => void
  /** The number of consecutive restart attempts before giving up. */
  attempts: number
  /** The wait before the second attempt. It doubles with each further attempt. */
  firstWaitMs: number
}

/** After this uptime, the count of restart attempts starts again from zero. */
const STEADY_MS = 60_000

/**
 * Restarts the server when it ends unexpectedly, such as after a crash or when the system runs out of memory. Its
 * address stays the same, so connection pools recover by themselves.
 */
export class Keeper {
  readonly #options: KeepOptions
  readonly #stopping = new AbortController()
  readonly #watching: Promise<void>
  #presence: Presence
  #startedAtMs = performance.now()
  #attempts = 0

  constructor(presence: Presence, options: KeepOptions) {
    this.#options = options
    this.#presence = presence
    this.#watching = this.#watch()
  }

  /** Whether the server is up, as far as this process knows. */
  get isUp(): boolean {
    return !this.#presence.lost
  }

  /** Stops watching and returns the presence, which may be lost. */
  async stop(): Promise<Presence> {
    this.#stopping.abort()
    await this.#watching
    return this.#presence
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stopping
    for (;;) {
      await untilLost(this.#presence, signal)
      if (signal.aborted) return
      const failure = await this.#restart()
      if (signal.aborted) return
      if (failure) {
        this.#options.onGone(failure)
        return
      }
    }
  }

  /** Returns undefined once the server is up again, or if this process is stopping. */
  async #restart(): Promise<Error | undefined> {
    const { start, log, attempts, firstWaitMs } = this.#options
    const { signal } = this.#stopping
    if (performance.now() - this.#startedAtMs > STEADY_MS) this.#attempts = 0
    log('The built-in PostgreSQL ended unexpectedly. Restarting it.')
    let failure = new Error('The built-in PostgreSQL keeps ending after each restart.')
    while (this.#attempts < attempts) {
      const waitMs = this.#attempts === 0 ? 0 : firstWaitMs * 2 ** (this.#attempts - 1)
      this.#attempts += 1
      await sleep(waitMs, undefined, { signal }).catch(() => {})
      if (signal.aborted) return undefined
      try {
        this.#presence = await start(signal)
        this.#startedAtMs = performance.now()
        log('The built-in PostgreSQL is running again.')
        return undefined
      } catch (error) {
        if (signal.aborted) return undefined
        failure = error as Error
        log(`The built-in PostgreSQL could not be restarted: ${failure.message}`)
      }
    }
    return failure
  }
}

async function untilLost({ client, lost }: Presence, signal: AbortSignal): Promise<void> {
  if (lost || signal.aborted) return
  await new Promise<void>(resolve => {
    const done = () => {
      client.off('end', done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    client.once('end', done)
    signal.addEventListener('abort', done)
  })
}
