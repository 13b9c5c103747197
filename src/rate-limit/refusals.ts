import { setTimeout as sleep } from 'node:timers/promises'

/** Under a flood, this process refuses about 330 attempts a second. */
const INTERVAL_MS = 3
/** This many refusals are sent without waiting, so that only a flood notices. */
const BURST = 50
/** Bounds the memory that waiting refusals take: about a thousand of them. */
const MAX_WAIT_MS = 3000

/**
 * Spaces out the answers RATE_LIMITED. A client that sends its next attempt as soon as the last one is refused would
 * otherwise keep the process busy with refusals, and every other request would wait behind hundreds of them.
 */
export class Refusals {
  #nextAt = 0

  /** Resolves when a refusal may be sent: immediately, unless many others are being refused. */
  async turn(): Promise<void> {
    const now = performance.now()
    const sendAt = Math.max(this.#nextAt, now - BURST * INTERVAL_MS)
    const waitMs = sendAt - now
    if (waitMs > MAX_WAIT_MS) return
    this.#nextAt = sendAt + INTERVAL_MS
    if (waitMs > 0) await sleep(waitMs)
  }
}
