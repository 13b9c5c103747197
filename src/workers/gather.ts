import type { Worker } from 'node:cluster'
import type { FromWorker, ToWorker, WorkerMetrics } from './messages.ts'

/** How long the workers have to report. The metrics of one that takes longer are left out. */
const TIMEOUT_MS = 2000

type Gathering = { all: WorkerMetrics[]; missing: Set<Worker>; done: () => void }

/** Brings the metrics of all workers to the one that was asked for them. */
export class MetricsGathering {
  readonly #workers = new Set<Worker>()
  readonly #running = new Map<string, Gathering>()

  add(worker: Worker): void {
    this.#workers.add(worker)
  }

  remove(worker: Worker): void {
    this.#workers.delete(worker)
    for (const gathering of this.#running.values()) settle(gathering, worker)
  }

  take(worker: Worker, message: Extract<FromWorker, { id: unknown }>): void {
    if (message.authograph === 'gather') {
      this.#begin(worker, message.id)
      return
    }
    const gathering = this.#running.get(message.id)
    if (!gathering) return
    gathering.all.push(message.metrics)
    settle(gathering, worker)
  }

  #begin(asker: Worker, askerId: number): void {
    const id = `${asker.id}-${askerId}`
    const timer = setTimeout(() => gathering.done(), TIMEOUT_MS)
    const gathering: Gathering = {
      all: [],
      missing: new Set(this.#workers),
      done: () => {
        clearTimeout(timer)
        if (this.#running.delete(id)) tell(asker, { authograph: 'gathered', id: askerId, all: gathering.all })
      },
    }
    this.#running.set(id, gathering)
    for (const worker of this.#workers) tell(worker, { authograph: 'collect', id })
  }
}

function settle({ missing, done }: Gathering, worker: Worker): void {
  missing.delete(worker)
  if (missing.size === 0) done()
}

export function tell(worker: Worker, message: ToWorker): void {
  // It may be ending.
  if (worker.isConnected()) worker.send(message, () => {})
}
