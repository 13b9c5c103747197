import { setTimeout as sleep } from 'node:timers/promises'
import type { Presence } from './presence.ts'

export type KeepOptions = {
  /** Finds the server or starts it, until aborted. */
  start: (aborted: AbortSignal) => Promise<Presence>
  log: (message: string) => void
  /** Called once, when the server could not be started again. */
  onGone: (error: Error) => void
  /** How often in a row the server is started again before it is given up. */
  attempts: number
  /** The wait before the second attempt. Each further one is twice as long. */
  firstWaitMs: number
}

/** A server that has run for this long after a restart may fail as often as a new one. */
const STEADY_MS = 60_000

/**
 * Starts the server again when it is gone although nobody here stopped it: killed for want of memory, or crashed. It
 * comes back under the same address, so pools of connections need not know.
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

  /** Whether the server is there, as far as this process has noticed. */
  get isUp(): boolean {
    return !this.#presence.lost
  }

  /** Ends the watch. The presence that it leaves may be lost. */
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

  /** Undefined when the server is there again, or when it is to be stopped anyway. */
  async #restart(): Promise<Error | undefined> {
    const { start, log, attempts, firstWaitMs } = this.#options
    const { signal } = this.#stopping
    if (performance.now() - this.#startedAtMs > STEADY_MS) this.#attempts = 0
    log('The built-in PostgreSQL is gone. Starting it again.')
    let failure = new Error('The built-in PostgreSQL ends each time that it is started again.')
    while (this.#attempts < attempts) {
      const waitMs = this.#attempts === 0 ? 0 : firstWaitMs * 2 ** (this.#attempts - 1)
      this.#attempts += 1
      await sleep(waitMs, undefined, { signal }).catch(() => {})
      if (signal.aborted) return undefined
      try {
        this.#presence = await start(signal)
        this.#startedAtMs = performance.now()
        log('The built-in PostgreSQL runs again.')
        return undefined
      } catch (error) {
        if (signal.aborted) return undefined
        failure = error as Error
        log(`The built-in PostgreSQL could not be started again: ${failure.message}`)
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
