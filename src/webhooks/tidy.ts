import type { App } from '../app.ts'
import { addSeconds } from '../clock.ts'
import { statement } from '../database/client.ts'

const BATCH = 1000
/** How long an event waits for a webhook that is disabled or doesn't answer. */
const WAIT_MAX_SECONDS = 7 * 86_400

const expire = statement(
  'webhook-expire',
  `UPDATE webhook_deliveries SET status = 'failed', last_error = 'expired' WHERE id IN (
     SELECT id FROM webhook_deliveries WHERE status = 'queued' AND next_attempt_at <= $1
     LIMIT ${BATCH} FOR UPDATE SKIP LOCKED
   ) RETURNING 1`,
)

const removeOrphans = statement(
  'webhook-orphans',
  `DELETE FROM webhook_deliveries WHERE id IN (
     SELECT id FROM webhook_deliveries d WHERE NOT EXISTS (SELECT FROM webhooks w WHERE w.id = d.webhook_id)
     LIMIT ${BATCH} FOR UPDATE SKIP LOCKED
   ) RETURNING 1`,
)

const forgetFormerSecrets = statement(
  'webhook-former-secrets',
  `UPDATE webhooks SET sealed_former_secret = NULL, former_secret_until = NULL WHERE former_secret_until <= $1`,
)

/**
 * Gives up deliveries that have waited for a week, deletes those of deleted webhooks, and deletes secrets that no longer
 * sign, in at most `maxBatches` short batches of each kind.
 */
export async function tidyWebhooks(app: App, maxBatches: number): Promise<void> {
  const now = app.clock.now()
  await forgetFormerSecrets(app.pool, [now])
  const before = addSeconds(now, -WAIT_MAX_SECONDS)
  await inBatches(maxBatches, () => expire(app.pool, [before]))
  await inBatches(maxBatches, () => removeOrphans(app.pool, []))
}

async function inBatches(maxBatches: number, run: () => Promise<unknown[]>): Promise<void> {
  for (let batch = 0; batch < maxBatches; batch++) {
    if ((await run()).length < BATCH) return
  }
}
