import { Worker } from 'node:worker_threads'
import { deriveInPool } from './derive-in-pool.ts'
import type { KeyJob } from './key-job.ts'

/** What a thread sends: the key, why a job failed, or why the thread can do none. */
type Answer = { key: Uint8Array } | { failure: string } | { missing: string }

type Order = {
  job: KeyJob
  /** Whether a thread has ended while it had this job. */
  isRetry: boolean
  resolve: (key: Uint8Array) => void
  reject: (error: Error) => void
}

type Thread = { worker: Worker; order: Order | undefined; hasAnswered: boolean; error: Error | undefined }

/** How long jobs go to libuv's pool when no thread could be started, before the next attempt. */
const START_AGAIN_MS = 60_000
/** libuv's pool has 4 threads by default; one stays free for files and the names of hosts. */
const POOL_CONCURRENCY = 3
/** A thread has hardly any objects of its own. */
const LIMITS = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 2, codeRangeSizeMb: 4 }

export type HashThreadsOptions = {
  /** The number of threads. They start when they are first needed, and stay. */
  concurrency: number
  /** Called when something does not work as it should, although passwords are still hashed. */
  onFault?: ((error: Error, message: string) => void) | undefined
  /** The program of a thread. */
  program?: URL
}

/**
 * Derives keys in threads of their own. On Linux, these threads yield to all others, so that requests that hash nothing
 * do not wait while passwords are hashed on every core. Without threads, libuv's pool takes over. The threads
 * do not keep the process running, except while they have a job.
 */
export class HashThreads {
  readonly #options: HashThreadsOptions
  readonly #threads = new Set<Thread>()
  #poolUntilMs = 0
  #isClosed = false

  constructor(options: HashThreadsOptions) {
    this.#options = options
  }

  /** How many jobs may run at the same time. The caller queues the others. */
  get concurrency(): number {
    const { concurrency } = this.#options
    return this.#usesPool() ? Math.min(concurrency, POOL_CONCURRENCY) : concurrency
  }

  /** @throws Error when the job is impossible, when the threads have been closed, or when two threads end during it */
  derive(job: KeyJob): Promise<Uint8Array> {
    return new Promise((resolve, reject) => this.#give({ job, isRetry: false, resolve, reject }))
  }

  /** Ends the threads. A native function that is running ends first. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#threads].map(({ worker }) => worker.terminate()))
  }

  #usesPool(): boolean {
    return performance.now() < this.#poolUntilMs
  }

  #give(order: Order): void {
    if (this.#isClosed) {
      order.reject(closed())
      return
    }
    if (this.#usesPool()) {
      deriveInstead(order)
      return
    }
    const thread = [...this.#threads].find(({ order }) => order === undefined) ?? this.#start(order)
    if (!thread) return
    thread.order = order
    thread.worker.ref()
    thread.worker.postMessage(order.job)
  }

  /** Starts a thread, or does what `order` asks without one. */
  #start(order: Order): Thread | undefined {
    try {
      // Nothing of the environment: NODE_OPTIONS may load modules that are meant for the program.
      const options = {
        name: 'authograph-hashing',
        env: {},
        argv: [],
        execArgv: [],
        resourceLimits: LIMITS,
      }
      // The URL is inside the call, because bundlers look for it there.
      const worker = this.#options.program
        ? new Worker(this.#options.program, options)
        : new Worker(new URL('./hash-thread.cjs', import.meta.url), options)
      const thread: Thread = { worker, order: undefined, hasAnswered: false, error: undefined }
      worker.on('message', (answer: Answer) => this.#take(thread, answer))
      worker.on('error', error => {
        thread.error = error as Error
      })
      worker.on('exit', () => this.#gone(thread))
      this.#threads.add(thread)
      return thread
    } catch (error) {
      this.#usePool(error as Error, START_AGAIN_MS)
      deriveInstead(order)
      return undefined
    }
  }

  #take(thread: Thread, answer: Answer): void {
    if ('missing' in answer) {
      thread.error = new Error(answer.missing)
      // It stays missing until the next installation.
      this.#usePool(thread.error, Number.POSITIVE_INFINITY)
      return
    }
    const { order } = thread
    thread.order = undefined
    thread.hasAnswered = true
    thread.worker.unref()
    if ('key' in answer) order?.resolve(answer.key)
    else order?.reject(new Error(`A key could not be derived: ${answer.failure}`))
  }

  #gone(thread: Thread): void {
    this.#threads.delete(thread)
    const { order, hasAnswered, error = new Error('it ended by itself') } = thread
    if (this.#isClosed) {
      order?.reject(closed())
      return
    }
    if (!hasAnswered) this.#usePool(error, START_AGAIN_MS)
    else this.#options.onFault?.(error, 'a thread that hashes passwords ended; another takes its place')
    if (!order) return
    if (order.isRetry) {
      order.reject(new Error('Two threads ended while they had the same job.'))
      return
    }
    this.#give({ ...order, isRetry: true })
  }

  #usePool(error: Error, forMs: number): void {
    if (this.#usesPool()) return
    this.#poolUntilMs = performance.now() + forMs
    this.#options.onFault?.(error, 'the fast argon2 is not available; the slower one hashes passwords')
  }
}

function deriveInstead({ job, resolve, reject }: Order): void {
  deriveInPool(job).then(resolve, reject)
}

function closed(): Error {
  return new Error('The server is closing.')
}
