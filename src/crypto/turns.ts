/** A task that waits: `start` lets it run, and `timer` sends it away. */
type Waiter = { start: () => void; timer: NodeJS.Timeout }

export type TurnsConfig = {
  /** How many tasks run at once. */
  concurrency: number
  /** How many may wait behind those. */
  queueMax: number
  /** How long each may wait before it is sent away, however long the tasks before it take. */
  waitMs: number
}

/** Runs a bounded number of tasks at once and lets a bounded number wait for a bounded time, in their order. */
export class Turns {
  readonly #config: TurnsConfig
  readonly #refusal: () => Error
  readonly #waiting = new Set<Waiter>()
  #active = 0

  /** `refusal` makes the error for a task that is sent away. */
  constructor(config: TurnsConfig, refusal: () => Error) {
    this.#config = config
    this.#refusal = refusal
  }

  get load(): { active: number; waiting: number } {
    return { active: this.#active, waiting: this.#waiting.size }
  }

  /** @throws the refusal when too many wait, or when the task has waited for too long */
  async run<Result>(task: () => Promise<Result>): Promise<Result> {
    await this.#enter()
    try {
      return await task()
    } finally {
      this.#leave()
    }
  }

  async #enter(): Promise<void> {
    const { concurrency, queueMax, waitMs } = this.#config
    if (this.#active < concurrency) {
      this.#active += 1
      return
    }
    if (this.#waiting.size >= queueMax) throw this.#refusal()
    await new Promise<void>((start, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(waiter)
        reject(this.#refusal())
      }, waitMs)
      const waiter = { start, timer }
      this.#waiting.add(waiter)
    })
  }

  /** Hands the turn to the task that has waited longest. */
  #leave(): void {
    const [next] = this.#waiting
    if (!next) {
      this.#active -= 1
      return
    }
    this.#waiting.delete(next)
    clearTimeout(next.timer)
    next.start()
  }
}
