import type { App } from '../app.ts'
import { statement } from '../database/client.ts'
import { webhookFigures } from '../webhook-figures.ts'

const count = statement<[queued: number, failed: number, oldestAt: Date | null]>(
  'webhook-count',
  `SELECT queued.count, (SELECT count(*)::int FROM webhook_deliveries WHERE status = 'failed'), queued.oldest_at FROM (
     SELECT count(*)::int AS count, min(d.at) AS oldest_at
     FROM webhooks w JOIN webhook_deliveries d ON d.webhook_id = w.id AND d.status = 'queued' WHERE w.enabled
   ) queued`,
)

/** Counts the queue for the metrics. Deliveries for a webhook that is disabled wait on purpose, so they don't count. */
export async function measureQueue(app: App): Promise<void> {
  const [row] = await count(app.pool, [])
  if (row) webhookFigures(app).queue = { queued: row[0], failed: row[1], oldestAt: row[2] }
}
