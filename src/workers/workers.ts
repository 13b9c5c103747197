import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { MetricsGathering, tell } from './gather.ts'
import { type FromWorker, isOurs, WORKER_VARIABLE } from './messages.ts'

export type WorkersOptions = {
  count: number
  log: Logger
  /** Variables and flags for each new process. Read again for each, because `.env` may have changed. */
  launch: () => { env: Record<string, string>; flags: readonly string[] }
}

/** A little less than the 9 s that requests have when the server shuts down. */
const KILL_AFTER_MS = 8500
const FIRST_WAIT_MS = 250
const MAX_WAIT_MS = 30_000
/** A worker that has served this long does not count as one that keeps ending. */
const STEADY_MS = 60_000

/** A worker ended before it served. It has said why on standard error. */
export class WorkerFailed extends Error {}

/**
 * Serves with several processes, which share the port. Replaces those that end, and restarts them one by one, so that
 * the port is always served.
 */
export class Workers {
  readonly #options: WorkersOptions
  readonly #gathering = new MetricsGathering()
  /** The workers that serve or are about to. */
  readonly #current = new Set<Worker>()
  readonly #stopping = new AbortController()
  #failures = 0
  #restarting: Promise<void> | undefined
  #restartAgain = false

  constructor(options: WorkersOptions) {
    this.#options = options
  }

  /**
   * Starts all workers, the first one alone: it migrates the database. Returns what it prints.
   * @throws WorkerFailed when one of them does not start
   */
  async start(): Promise<string> {
    const greeting = await this.#add()
    await Promise.all(Array.from({ length: this.#options.count - 1 }, () => this.#add()))
    return greeting
  }

  /**
   * Replaces every worker, one after the other: the next one starts, then the old one answers what it has and ends. If
   * the next one does not start, for example because a setting is now invalid, the old ones go on.
   */
  restart(): Promise<void> {
    if (this.#restarting) this.#restartAgain = true
    this.#restarting ??= this.#restartAll().finally(() => {
      this.#restarting = undefined
      if (!this.#restartAgain) return
      this.#restartAgain = false
      void this.restart()
    })
    return this.#restarting
  }

  /** Lets every worker answer what it has, and ends it. */
  async close(): Promise<void> {
    this.#stopping.abort()
    await Promise.all(Object.values(cluster.workers ?? {}).map(worker => worker && end(worker)))
  }

  async #restartAll(): Promise<void> {
    const { log } = this.#options
    log.info('restarting the workers')
    for (const old of [...this.#current]) {
      if (this.#stopping.signal.aborted) return
      // It has ended in the meantime and is being replaced.
      if (!this.#current.has(old)) continue
      try {
        await this.#add()
      } catch {
        if (!this.#stopping.signal.aborted)
          log.error('a new worker did not start; the other workers go on as they are')
        return
      }
      this.#current.delete(old)
      await end(old)
    }
    log.info('restarted the workers')
  }

  /** Starts a worker. Resolves with its greeting when it serves. */
  async #add(): Promise<string> {
    if (this.#stopping.signal.aborted) throw new WorkerFailed()
    const { env, flags } = this.#options.launch()
    cluster.setupPrimary({ execArgv: [...process.execArgv, ...flags] })
    const worker = cluster.fork({ ...env, [WORKER_VARIABLE]: '1' })
    this.#current.add(worker)
    const startedAtMs = performance.now()
    const greeting = await new Promise<string>((resolve, reject) => {
      worker.on('message', (message: FromWorker) => {
        if (!isOurs(message)) return
        if (message.authograph === 'ready') {
          this.#gathering.add(worker)
          resolve(message.greeting)
        } else if (message.authograph === 'closed') tell(worker, { authograph: 'seen' })
        else this.#gathering.take(worker, message)
      })
      worker.once('exit', () => {
        this.#gathering.remove(worker)
        reject(new WorkerFailed())
      })
      // Such as a process that can't be started. An exit may not follow.
      worker.on('error', reject)
    }).catch(error => {
      this.#current.delete(worker)
      throw error
    })
    worker.once('exit', (code, signal) => this.#replace(worker, startedAtMs, signal ?? code))
    return greeting
  }

  /** Starts another worker if this one has ended without being asked to. */
  #replace(worker: Worker, startedAtMs: number, reason: string | number): void {
    if (!this.#current.delete(worker) || this.#stopping.signal.aborted) return
    if (performance.now() - startedAtMs > STEADY_MS) this.#failures = 0
    this.#options.log.error({ worker: worker.process.pid, reason }, 'a worker ended; another takes its place')
    void this.#addInstead()
  }

  async #addInstead(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const waitMs = this.#failures === 0 ? 0 : Math.min(FIRST_WAIT_MS * 2 ** this.#failures, MAX_WAIT_MS)
      this.#failures += 1
      await sleep(waitMs, undefined, { signal }).catch(() => {})
      if (signal.aborted) return
      try {
        await this.#add()
        this.#options.log.info('another worker serves in its place')
        return
      } catch {
        if (!signal.aborted) this.#options.log.error('a worker did not start; trying again')
      }
    }
  }
}

async function end(worker: Worker): Promise<void> {
  if (worker.isDead()) return
  const exited = once(worker, 'exit')
  worker.process.kill('SIGTERM')
  const timer = setTimeout(() => worker.process.kill('SIGKILL'), KILL_AFTER_MS)
  await exited.finally(() => clearTimeout(timer))
}
