import cluster from 'node:cluster'
import type { MetricObjectWithValues, MetricValue } from 'prom-client'

/** Marks the processes that WORKERS starts. A program that embeds the server may have workers of its own. */
export const WORKER_VARIABLE = 'AUTHOGRAPH_WORKER'

/** Whether WORKERS has started this process. */
export function isWorker(): boolean {
  return cluster.isWorker && process.env[WORKER_VARIABLE] !== undefined
}

/** What a worker tells the first process. */
export type FromWorker =
  /** It serves. `greeting` is what a single process would print. */
  | { authograph: 'ready'; greeting: string }
  /** It needs the metrics of every worker. */
  | { authograph: 'gather'; id: number }
  /** It accepts no more connections. The answer comes after every connection that was already on its way to it. */
  | { authograph: 'closed' }
  /** Its own metrics, for the worker that asked. */
  | { authograph: 'metrics'; id: string; metrics: WorkerMetrics }

/** What the first process tells a worker. */
export type ToWorker =
  | { authograph: 'collect'; id: string }
  | { authograph: 'seen' }
  | { authograph: 'gathered'; id: number; all: WorkerMetrics[] }

export type WorkerMetrics = MetricObjectWithValues<MetricValue<string>>[]

/** Other parts of a program may use the same channel. */
export function isOurs(message: unknown): boolean {
  return typeof message === 'object' && message !== null && 'authograph' in message
}

/** Tells the first process. */
export function report(message: FromWorker): void {
  // The channel closes when the first process ends, and this one with it.
  if (process.connected) process.send?.(message)
}

const SEEN_TIMEOUT_MS = 1000

/**
 * Tells the first process that this worker accepts no more connections, and waits until none is on its way here: those
 * have then been returned, and another worker gets them. Does nothing in a process that is not a worker.
 */
export async function returnConnections(): Promise<void> {
  if (!isWorker() || !process.connected) return
  await new Promise<void>(resolve => {
    const listen = (message: ToWorker) => {
      if (isOurs(message) && message.authograph === 'seen') done()
    }
    const done = () => {
      clearTimeout(timer)
      process.off('message', listen)
      resolve()
    }
    const timer = setTimeout(done, SEEN_TIMEOUT_MS)
    process.on('message', listen)
    report({ authograph: 'closed' })
  })
}
