import { AggregatorRegistry, type Registry } from 'prom-client'
import { isOurs, isWorker, report, type ToWorker, type WorkerMetrics } from './messages.ts'

/** Longer than the first process waits for the workers. */
const GATHER_TIMEOUT_MS = 5000

/**
 * The metrics of all workers together, or of this process if it is not one of several: sums, except where a metric says
 * otherwise, such as the average lag of event loops.
 */
export function metricsOfAll(registry: Registry): () => Promise<string> {
  if (!isWorker()) return () => registry.metrics()
  const asked = new Map<number, (all: WorkerMetrics[]) => void>()
  let lastId = 0
  process.on('message', (message: ToWorker) => {
    if (!isOurs(message)) return
    if (message.authograph === 'gathered') asked.get(message.id)?.(message.all)
    if (message.authograph !== 'collect') return
    void registry
      .getMetricsAsJSON()
      .then(metrics => report({ authograph: 'metrics', id: message.id, metrics: metrics as WorkerMetrics }))
  })
  return async () => {
    const id = ++lastId
    const timeout = AbortSignal.timeout(GATHER_TIMEOUT_MS)
    try {
      const all = await new Promise<WorkerMetrics[]>((resolve, reject) => {
        asked.set(id, resolve)
        timeout.onabort = () => reject(new Error('The workers did not report their metrics in time.'))
        report({ authograph: 'gather', id })
      })
      return await AggregatorRegistry.aggregate(all).metrics()
    } finally {
      timeout.onabort = null
      asked.delete(id)
    }
  }
}
