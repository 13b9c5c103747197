import pLimit from 'p-limit'
import type { App, ServerEvent } from '../app.ts'
import { runEvery, type StopBackgroundTask } from '../background-task.ts'
import { addSeconds } from '../clock.ts'
import { signatureHeaders } from '../crypto/signed-message.ts'
import { statement } from '../database/client.ts'
import { PostFailure, post, type ResolveAll } from '../network/post.ts'
import { measureQueue } from './measure-queue.ts'
import {
  type Claimed,
  delivered,
  FAILURES_UNTIL_PAUSE,
  keepTrying,
  recheckPostponed,
  release,
} from './outcome.ts'
import { openSecret } from './secret.ts'

const INTERVAL_SECONDS = 1
const MEASURE_INTERVAL_SECONDS = 10
const BATCH = 20
const CONCURRENCY = 4
const TIMEOUT_MS = 10_000
/** During this time no other replica claims the delivery. Longer than a batch can take. */
const LEASE_SECONDS = 120
/** Replaces how names are resolved, for tests. */
export type DeliveryOptions = { resolve?: ResolveAll }

type DueWebhook = [
  id: string,
  url: string | null,
  sealedSecret: string | null,
  sealedFormerSecret: string | null,
  formerSecretUntil: Date | null,
  failures: number,
]

/** The function of the embedding program can only be called by a process that has it. */
const selectDue = statement<DueWebhook>(
  'webhooks-due',
  `SELECT w.id, w.url, w.sealed_secret, w.sealed_former_secret, w.former_secret_until, w.failures FROM webhooks w
   WHERE w.enabled AND (w.url IS NOT NULL OR $2::boolean) AND (w.paused_until <= $1) IS NOT FALSE AND EXISTS (
     SELECT FROM webhook_deliveries d
     WHERE d.webhook_id = w.id AND d.status = 'queued' AND d.next_attempt_at <= $1
   )`,
)

/**
 * Claims the deliveries of a webhook that are due. A lease rather than a lock, so that no transaction stays open while
 * the other side is slow. Of each account, only the earliest queued delivery is claimed, which keeps the order; those
 * behind it wait until it is next due, so that they are not read again and again. `delivered` calls the next one.
 */
const claim = statement<Claimed>(
  'webhook-claim',
  `WITH due AS MATERIALIZED (
     SELECT id, account_id, position FROM webhook_deliveries
     WHERE webhook_id = $1 AND status = 'queued' AND next_attempt_at <= $2
     ORDER BY next_attempt_at, position LIMIT $4 FOR UPDATE SKIP LOCKED
   ), placed AS MATERIALIZED (
     SELECT due.id, earlier.next_attempt_at AS behind FROM due LEFT JOIN LATERAL (
       SELECT e.next_attempt_at FROM webhook_deliveries e
       WHERE e.webhook_id = $1 AND e.account_id = due.account_id AND e.status = 'queued' AND e.position < due.position
       ORDER BY e.position LIMIT 1
     ) earlier ON true
   )
   UPDATE webhook_deliveries d SET attempts = d.attempts + (placed.behind IS NULL)::int,
     next_attempt_at = CASE WHEN placed.behind IS NULL THEN $3::timestamptz
       ELSE greatest(placed.behind, $2::timestamptz + interval '1 s') END
   FROM placed WHERE d.id = placed.id
   RETURNING d.id, d.event, d.event_id, d.at, d.actor_id, d.subject_id, d.ids, d.attempts, placed.behind IS NULL`,
)

/**
 * Sends everything that is due, to all webhooks at the same time, so that a slow one delays no other. Returns the number
 * of deliveries that were accepted. If the process dies after it sends one but before it records that, the delivery is
 * sent again with the same `webhook-id`: twice is better than never.
 */
export async function deliverWebhooks(
  app: App,
  stopping?: AbortSignal,
  options: DeliveryOptions = {},
): Promise<number> {
  const due = await findDue(app)
  const counts = await Promise.all(due.map(webhook => drain(app, webhook, stopping, options)))
  return counts.reduce((sum, count) => sum + count, 0)
}

function findDue(app: App): Promise<DueWebhook[]> {
  return selectDue(app.pool, [app.clock.now(), app.onEvent !== undefined])
}

/**
 * Sends what is due to one webhook. Ends when nothing is left, or when several attempts in a row have failed: from then
 * on, one delivery at a time finds out whether the other side answers again.
 */
async function drain(
  app: App,
  webhook: DueWebhook,
  stopping: AbortSignal | undefined,
  options: DeliveryOptions,
): Promise<number> {
  const [webhookId, , , , , before] = webhook
  const limit = pLimit(CONCURRENCY)
  let failures = before
  let accepted = 0
  let tried = 0
  let claimed: Claimed[]
  do {
    const now = app.clock.now()
    const most = failures >= FAILURES_UNTIL_PAUSE ? 1 : BATCH
    claimed = await claim(app.pool, [webhookId, now, addSeconds(now, LEASE_SECONDS), most])
    const first = claimed.filter(([, , , , , , , , isFirst]) => isFirst)
    await recheckPostponed(
      app,
      webhookId,
      claimed.filter(([, , , , , , , , isFirst]) => !isFirst),
    )
    const outcomes = await Promise.all(
      first.map(delivery => limit(() => deliver(app, webhook, delivery, stopping, options))),
    )
    accepted += outcomes.filter(Boolean).length
    failures = outcomes.some(Boolean) ? 0 : failures + outcomes.length
    tried = first.length
  } while (claimed.length > 0 && (failures < FAILURES_UNTIL_PAUSE || tried === 0) && !stopping?.aborted)
  return accepted
}

/** Resolves to whether the other side accepted the delivery. */
async function deliver(
  app: App,
  webhook: DueWebhook,
  delivery: Claimed,
  stopping: AbortSignal | undefined,
  options: DeliveryOptions,
): Promise<boolean> {
  const [id] = delivery
  if (stopping?.aborted) return release(app, id)
  try {
    const [, url] = webhook
    const attempt = () =>
      url === null ? call(app, delivery) : send(app, webhook, url, delivery, stopping, options)
    const facts = { id, event: delivery[1], host: url === null ? undefined : new URL(url).hostname }
    await (app.tracing?.delivery(facts, attempt) ?? attempt())
  } catch (error) {
    if (error instanceof PostFailure && error.aborted) return release(app, id)
    await keepTrying(app, webhook[0], delivery, error)
    return false
  }
  await delivered(app, id)
  return true
}

async function send(
  app: App,
  [webhookId, , sealedSecret, sealedFormer, formerUntil]: DueWebhook,
  url: string,
  delivery: Claimed,
  aborted: AbortSignal | undefined,
  { resolve }: DeliveryOptions,
): Promise<void> {
  const now = app.clock.now()
  const { id, type, timestamp, data } = toServerEvent(delivery)
  const body = JSON.stringify({ type, timestamp: timestamp.toISOString(), data })
  const former = sealedFormer !== null && formerUntil !== null && formerUntil > now ? [sealedFormer] : []
  const sealed = sealedSecret === null ? former : [sealedSecret, ...former]
  const secrets = sealed.map(secret => openSecret(app, webhookId, secret))
  await post(url, {
    headers: signatureHeaders({ id, at: now, body }, secrets),
    body,
    timeoutMs: TIMEOUT_MS,
    networks: app.config.webhookNetworks,
    aborted,
    ...(resolve && { resolve }),
  })
}

/** Calls the function of the embedding program, which has as much time as another server. */
async function call(app: App, delivery: Claimed): Promise<void> {
  if (!app.onEvent) throw new Error('This process has no onEvent')
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new PostFailure('timeout')), TIMEOUT_MS)
  })
  try {
    await Promise.race([app.onEvent(toServerEvent(delivery)), late])
  } finally {
    clearTimeout(timer)
  }
}

function toServerEvent([id, type, eventId, timestamp, actorId, subjectId, ids]: Claimed): ServerEvent {
  return { id, type, timestamp, data: { eventId, actorId, subjectId, ...ids } }
}

/** Delivers in the background until it is stopped. A webhook that is slow does not hold up the others. */
export function startWebhookDelivery(app: App): StopBackgroundTask {
  const underWay = new Map<string, Promise<unknown>>()
  const failed = (error: unknown) => app.log.warn({ err: error }, FAILURE)
  const start = async (_app: App, stopping: AbortSignal) => {
    for (const webhook of await findDue(app)) {
      const [id] = webhook
      if (underWay.has(id)) continue
      const drained = drain(app, webhook, stopping, {}).catch(failed)
      underWay.set(
        id,
        drained.finally(() => underWay.delete(id)),
      )
    }
  }
  const stop = runEvery(app, INTERVAL_SECONDS, start, FAILURE)
  const stopMeasuring = runEvery(
    app,
    MEASURE_INTERVAL_SECONDS,
    measureQueue,
    'could not count webhooks’ events',
  )
  return async () => {
    await Promise.all([stop(), stopMeasuring()])
    await Promise.all(underWay.values())
  }
}

const FAILURE = 'could not process the deliveries of webhooks'
