import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { App } from './app.ts'
import { providerOutcomes } from './provider-outcomes.ts'
import { webhookFigures } from './webhook-figures.ts'
import { metricsOfAll } from './workers/all-metrics.ts'

export type Metrics = {
  registry: Registry
  /** The text for Prometheus, for all workers together if there are several. */
  report: () => Promise<string>
  /** Requests by first root field and by error code, or OK. */
  operations: Counter<'operation' | 'code'>
  /** Requests of service accounts by endpoint and by error, or OK. */
  oauthRequests: Counter<'endpoint' | 'code'>
}

/** Creates the metrics that /metrics serves for one app. */
export function createMetrics(app: App): Metrics {
  const { pool, hasher, mailer } = app
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
    // Each worker counts the same emails.
    aggregator: 'max',
    registers,
    collect() {
      const { queued = 0, failed = 0 } = mailer?.backlog ?? {}
      this.set({ status: 'queued' }, queued)
      this.set({ status: 'failed' }, failed)
    },
  })
  const signIns = new Counter({
    name: 'authograph_provider_sign_ins_total',
    help: 'Sign-ins with a provider by provider and outcome.',
    labelNames: ['provider', 'outcome'],
    registers,
    collect() {
      signIns.reset()
      for (const { count, ...labels } of providerOutcomes(app)) signIns.inc(labels, count)
    },
  })
  createWebhookMetrics(app, registers)
  const operations = new Counter({
    name: 'authograph_operations_total',
    help: 'GraphQL requests by operation and error code.',
    labelNames: ['operation', 'code'],
    registers,
  })
  const oauthRequests = new Counter({
    name: 'authograph_oauth_requests_total',
    help: 'Requests of service accounts by endpoint and error.',
    labelNames: ['endpoint', 'code'],
    registers,
  })
  return { registry, report: metricsOfAll(registry), operations, oauthRequests }
}

function createWebhookMetrics(app: App, registers: Registry[]): void {
  const deliveries = new Counter({
    name: 'authograph_webhook_deliveries_total',
    help: 'Attempts to deliver events by outcome: delivered, refused (will be retried), failed (given up).',
    labelNames: ['outcome'],
    registers,
    collect() {
      deliveries.reset()
      for (const [outcome, count] of Object.entries(webhookFigures(app).outcomes))
        deliveries.inc({ outcome }, count)
    },
  })
  new Gauge({
    name: 'authograph_webhook_events',
    help: 'Events for webhooks by status; queued events are waiting to be delivered, failed ones are not retried.',
    labelNames: ['status'],
    // Each worker counts the same events.
    aggregator: 'max',
    registers,
    collect() {
      const { queued, failed } = webhookFigures(app).queue
      this.set({ status: 'queued' }, queued)
      this.set({ status: 'failed' }, failed)
    },
  })
  new Gauge({
    name: 'authograph_webhook_oldest_event_seconds',
    help: 'The age of the oldest queued event; 0 if there is none.',
    aggregator: 'max',
    registers,
    collect() {
      const { oldestAt } = webhookFigures(app).queue
      this.set(oldestAt ? Math.max(0, (app.clock.now().getTime() - oldestAt.getTime()) / 1000) : 0)
    },
  })
}
