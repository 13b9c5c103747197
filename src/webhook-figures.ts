import type { App } from './app.ts'

/** How an attempt to deliver an event ends, for the metrics: accepted, to be tried again, or given up. */
export type DeliveryOutcome = 'delivered' | 'refused' | 'failed'

/** The deliveries in the database. */
export type DeliveryQueue = {
  /** Those on their way to enabled webhooks. */
  queued: number
  /** Those that were given up and are still kept. */
  failed: number
  /** The time of the oldest queued event. */
  oldestAt: Date | null
}

type Figures = { outcomes: Record<DeliveryOutcome, number>; queue: DeliveryQueue }

const figures = new WeakMap<App, Figures>()

/** What this process has delivered, and the queue when it was last read. */
export function webhookFigures(app: App): Figures {
  const known = figures.get(app)
  if (known) return known
  const none = {
    outcomes: { delivered: 0, refused: 0, failed: 0 },
    queue: { queued: 0, failed: 0, oldestAt: null },
  }
  figures.set(app, none)
  return none
}

export function countDelivery(app: App, outcome: DeliveryOutcome): void {
  webhookFigures(app).outcomes[outcome] += 1
}
