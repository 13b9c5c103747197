/** A waiting task: `start` lets it run, and `timer` refuses it. */
type Waiter = { start: () => void; timer: NodeJS.Timeout }

export type TurnsConfig = {
  /** The number of tasks that run at the same time. It may change. */
  concurrency: () => number
  /** The number of tasks that may wait. */
  queueMax: number
  /** How long a task may wait before it is refused. */
  waitMs: number
}

/** Runs a bounded number of tasks at the same time. Others wait in order, up to a maximum number and a maximum time. */
export class Turns {
  readonly #config: TurnsConfig
  readonly #refusal: () => Error
  readonly #waiting = new Set<Waiter>()
  #active = 0

  /** `refusal` creates the error for a refused task. */
  constructor(config: TurnsConfig, refusal: () => Error) {
    this.#config = config
    this.#refusal = refusal
  }

  get load(): { active: number; waiting: number } {
    return { active: this.#active, waiting: this.#waiting.size }
  }

  /** @throws the refusal when the queue is full or the task has waited too long */
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
    if (this.#active < concurrency()) {
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

  /** Starts the tasks that have waited longest. */
  #leave(): void {
    this.#active -= 1
    for (const next of this.#waiting) {
      if (this.#active >= this.#config.concurrency()) return
      this.#waiting.delete(next)
      this.#active += 1
      clearTimeout(next.timer)
      next.start()
    }
  }
}
