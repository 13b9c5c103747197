import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { App } from './app.ts'

export type Metrics = {
  registry: Registry
  /** Requests by first root field and by error code, or OK. */
  operations: Counter<'operation' | 'code'>
}

/** Creates the metrics that /metrics serves for one app. */
export function createMetrics({ pool, hasher, mailer }: Pick<App, 'pool' | 'hasher' | 'mailer'>): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  new Gauge({
    name: 'authograph_password_hashes',
    help: 'Password hash computations by state.',
    labelNames: ['state'],
    registers,
    collect() {
      this.set({ state: 'active' }, hasher.load.active)
      this.set({ state: 'waiting' }, hasher.load.waiting)
    },
  })
  new Gauge({
    name: 'authograph_database_connections',
    help: 'Database connections by state; waiting counts requests for a connection.',
    labelNames: ['state'],
    registers,
    collect() {
      this.set({ state: 'idle' }, pool.idleCount)
      this.set({ state: 'busy' }, pool.totalCount - pool.idleCount)
      this.set({ state: 'waiting' }, pool.waitingCount)
    },
  })
  new Gauge({
    name: 'authograph_mails',
    help: 'Emails in the outbox by status; queued emails are waiting to be sent, failed ones are not retried.',
    labelNames: ['status'],
    registers,
    collect() {
      const { queued = 0, failed = 0 } = mailer?.backlog ?? {}
      this.set({ status: 'queued' }, queued)
      this.set({ status: 'failed' }, failed)
    },
  })
  const operations = new Counter({
    name: 'authograph_operations_total',
    help: 'GraphQL requests by operation and error code.',
    labelNames: ['operation', 'code'],
    registers,
  })
  return { registry, operations }
}
