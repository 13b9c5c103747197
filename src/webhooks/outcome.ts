import type { App } from '../app.ts'
import { auditColumns, NO_REQUEST, toEvent } from '../audit/record.ts'
import { addSeconds } from '../clock.ts'
import { statement } from '../database/client.ts'
import { insertSql, toRows } from '../database/insert.ts'
import { PostFailure } from '../network/post.ts'
import { countDelivery } from '../webhook-figures.ts'

/** The wait after each failed attempt, about three days in total. The attempt after the last wait is the final one. */
export const WAIT_SECONDS = [5, 60, 300, 1800, 7200, 18_000, 36_000, 64_800, 129_600]
/** A webhook that has failed this often in a row is left alone for a while, which doubles with each further failure. */
export const FAILURES_UNTIL_PAUSE = 5
const PAUSE_SECONDS = 10
const PAUSE_MAX_SECONDS = 1800

export type Claimed = [
  id: string,
  event: string,
  eventId: string,
  at: Date,
  actorId: string | null,
  subjectId: string | null,
  ids: Record<string, string>,
  attempts: number,
  isFirst: boolean,
]

/**
 * Makes the next delivery of the account due, after the one in `gone`. Also one that is due already: another process may be
 * about to postpone it, and then this waits for that process and comes after it. If that process has claimed it instead,
 * its attempts have changed, and it is left alone.
 */
const callNext = `UPDATE webhook_deliveries n SET next_attempt_at = least(n.next_attempt_at, $2) FROM (
  SELECT f.id, f.attempts FROM webhook_deliveries f, gone
  WHERE f.webhook_id = gone.webhook_id AND f.account_id = gone.account_id AND f.status = 'queued'
    AND f.position > gone.position
  ORDER BY f.position LIMIT 1
) next WHERE n.id = next.id AND n.attempts = next.attempts`

const markDelivered = statement(
  'webhook-delivered',
  `WITH gone AS (DELETE FROM webhook_deliveries WHERE id = $1 RETURNING webhook_id, account_id, position),
     healthy AS (
       UPDATE webhooks w SET failures = 0, paused_until = NULL FROM gone WHERE w.id = gone.webhook_id AND w.failures > 0
     )
   ${callNext}`,
)

const callPostponed = statement(
  'webhook-call-postponed',
  `UPDATE webhook_deliveries SET next_attempt_at = $2 WHERE id IN (
     SELECT n.id FROM webhook_deliveries n
     JOIN unnest($3::uuid[], $4::int[]) postponed (id, attempts) ON n.id = postponed.id AND n.attempts = postponed.attempts
     WHERE n.status = 'queued' AND n.next_attempt_at > $2 AND NOT EXISTS (
       SELECT FROM webhook_deliveries e
       WHERE e.webhook_id = $1 AND e.account_id = n.account_id AND e.status = 'queued' AND e.position < n.position
     )
     FOR UPDATE OF n SKIP LOCKED
   )`,
)

/**
 * Makes deliveries due that were postponed behind another one, if that one is gone. The statement that postponed them may
 * have begun before another process sent that one, so it could not see that nothing holds them up.
 */
export async function recheckPostponed(app: App, webhookId: string, postponed: Claimed[]): Promise<void> {
  if (postponed.length === 0) return
  const ids = postponed.map(([id]) => id)
  const attempts = postponed.map(([, , , , , , , count]) => count)
  await callPostponed(app.pool, [webhookId, app.clock.now(), ids, attempts])
}

/** Deletes a delivery that was accepted. */
export async function delivered(app: App, id: string): Promise<void> {
  await markDelivered(app.pool, [id, app.clock.now()])
  countDelivery(app, 'delivered')
}

const undoClaim = statement(
  'webhook-release',
  'UPDATE webhook_deliveries SET attempts = attempts - 1, next_attempt_at = $2 WHERE id = $1',
)

/** Undoes the claim, so that the attempt doesn't count. */
export async function release({ pool, clock }: App, id: string): Promise<false> {
  await undoClaim(pool, [id, clock.now()])
  return false
}

/** $1 is the time, $2 the webhook. */
const countFailure = `UPDATE webhooks SET failures = failures + 1, paused_until = CASE
    WHEN failures + 1 >= ${FAILURES_UNTIL_PAUSE}
    THEN $1::timestamptz + make_interval(secs => least(
      ${PAUSE_SECONDS} * power(2, least(failures + 1 - ${FAILURES_UNTIL_PAUSE}, 20)), ${PAUSE_MAX_SECONDS}))
  END WHERE id = $2`

/** Another process may have claimed it again after the lease. */
const tryLater = statement(
  'webhook-try-later',
  `WITH failed AS (${countFailure})
   UPDATE webhook_deliveries SET next_attempt_at = $5, last_error = $6 WHERE id = $3 AND attempts = $4`,
)

const giveUp = statement(
  'webhook-give-up',
  `WITH failed AS (${countFailure}), gone AS (
     UPDATE webhook_deliveries SET status = 'failed', last_error = $5
     WHERE id = $3 AND attempts = $4 AND status = 'queued' RETURNING webhook_id, account_id, position
   ), called AS (${callNext.replaceAll('$2', '$1')})
   ${insertSql('audit_events', auditColumns, 6, 'gone')}`,
)

/** Schedules the next attempt. After the last one, records the failure, and the account's next delivery goes on. */
export async function keepTrying(
  app: App,
  webhookId: string,
  [id, event, , , , subjectId, , attempts]: Claimed,
  error: unknown,
): Promise<void> {
  const isPost = error instanceof PostFailure
  const reason = isPost ? error.message : 'the program failed'
  const now = app.clock.now()
  const waitSeconds = WAIT_SECONDS[attempts - 1]
  const about = { webhook: webhookId, delivery: id, event, reason, ...(!isPost && { err: error }) }
  if (waitSeconds !== undefined) {
    countDelivery(app, 'refused')
    app.log.warn(about, 'could not deliver an event; it will be tried again')
    await tryLater(app.pool, [now, webhookId, id, attempts, addSeconds(now, waitSeconds), reason])
    return
  }
  countDelivery(app, 'failed')
  app.log.error(about, 'could not deliver an event; it will not be tried again')
  const failed = toEvent(NO_REQUEST, {
    action: 'webhook.delivery_failed',
    at: now,
    subjectId: subjectId ?? undefined,
    detail: { webhookId, deliveryId: id, event, reason },
  })
  await giveUp(app.pool, [now, webhookId, id, attempts, reason, toRows(auditColumns, failed)])
}
