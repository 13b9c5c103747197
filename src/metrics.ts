import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { App } from './app.ts'

export type Metrics = {
  registry: Registry
  /** By the first root field and by its error code, or OK. */
  operations: Counter<'operation' | 'code'>
}

/** What /metrics shows of one app. */
export function createMetrics({ pool, hasher, mailer }: Pick<App, 'pool' | 'hasher' | 'mailer'>): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  new Gauge({
    name: 'authograph_password_hashes',
    help: 'Password hashes by state.',
    labelNames: ['state'],
    registers,
    collect() {
      this.set({ state: 'active' }, hasher.load.active)
      this.set({ state: 'waiting' }, hasher.load.waiting)
    },
  })
  new Gauge({
    name: 'authograph_database_connections',
    help: 'Connections of the pool by state; waiting are requests for one.',
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
    help: 'Mails in the outbox by state: queued wait to be sent, failed have been given up.',
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
