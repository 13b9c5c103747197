import type { App } from '../app.ts'
import { createAuditPartitions, dropAuditPartitions } from '../audit/partitions.ts'
import { auditColumns, NO_REQUEST, toEvent } from '../audit/record.ts'
import { redactDeletedAccounts } from '../audit/redact.ts'
import { runEvery, type StopBackgroundTask } from '../background-task.ts'
import { addSeconds } from '../clock.ts'
import { statement } from '../database/client.ts'
import { insertSql, toRows } from '../database/insert.ts'
import { DEVICE_TTL_SECONDS } from '../devices/device.ts'
import { tidySessions } from '../sessions/tidy.ts'
import { tidyWebhooks } from '../webhooks/tidy.ts'

const INTERVAL_SECONDS = 60
const PARTITIONS_INTERVAL_SECONDS = 3600
const DAY = 86_400
/** A batch takes a few milliseconds, so its locks block others only briefly. */
const BATCH = 1000
/** Batches for each table in a run of the background task. The next run continues. */
const BATCHES_PER_RUN = 20
/** The advisory lock that lets only one replica prune at a time. */
const LOCK = 72_707_370

type Outcome = [locked: boolean, deleted: number]

type Prunable = {
  name: string
  /** How long expired rows are kept; undefined means forever. */
  retentionSeconds: (app: App) => number | undefined
  statement: (app: App, before: Date) => Promise<Outcome | undefined>
  /** Deletes more than a batch at a time, before the batches, and returns the number of rows. */
  wholesale?: (app: App, before: Date) => Promise<number>
}

/**
 * Deletes rows of a table by its primary key, `retentionSeconds` after the time in `ended`. Rows that another transaction
 * has locked are skipped until the next run, so neither waits for the other. The condition needs an index.
 */
function rows(name: string, table: string, key: string, ended: string, retentionSeconds: number): Prunable {
  const run = pruning(
    name,
    `DELETE FROM ${table} WHERE (${key}) IN (
       SELECT ${key} FROM ${table} WHERE (SELECT mine FROM turn) AND ${ended} <= $1
       LIMIT ${BATCH} FOR UPDATE SKIP LOCKED
     ) RETURNING 1`,
  )
  return {
    name,
    retentionSeconds: () => retentionSeconds,
    statement: async ({ pool }, before) => (await run(pool, [before]))[0],
  }
}

/** A deletion that runs only if no other process prunes. It holds the lock while it runs. */
function pruning(name: string, deletion: string, further = '') {
  return statement<Outcome>(
    `prune ${name}`,
    `WITH turn AS MATERIALIZED (SELECT pg_try_advisory_xact_lock(${LOCK}) AS mine), gone AS (${deletion}) ${further}
     SELECT mine, (SELECT count(*)::int FROM gone) FROM turn`,
  )
}

const pruneAudit = pruning(
  'audit events',
  // The audit log rejects DELETE.
  `SELECT FROM turn, generate_series(1, CASE WHEN mine THEN prune_audit_events($1, ${BATCH}) ELSE 0 END)`,
  `, happened AS (SELECT FROM gone LIMIT 1), recorded AS (${insertSql('audit_events', auditColumns, 2, 'happened')})`,
)

const auditEvents: Prunable = {
  name: 'audit events',
  retentionSeconds: app => app.config.auditRetentionSeconds,
  wholesale: (app, before) => dropAuditPartitions(app, before, LOCK),
  statement: async ({ pool, clock }, before) => {
    const detail = { before: before.toISOString() }
    const event = toEvent(NO_REQUEST, { action: 'audit.pruned', at: clock.now(), detail })
    return (await pruneAudit(pool, [before, toRows(auditColumns, event)]))[0]
  },
}

/**
 * The records that are deleted some time after they end. Ended sessions stay visible to their owner for a while.
 * Emails that were sent or have failed are not attempted again, so `next_attempt_at` stays the time of the last attempt.
 */
const prunables: Prunable[] = [
  rows('attempts', 'rate_limits', 'key', 'window_ends_at', 0),
  rows('revoked sessions', 'sessions', 'id', 'revoked_at', 30 * DAY),
  rows('expired sessions', 'sessions', 'id', 'absolute_expires_at', 30 * DAY),
  rows('devices', 'devices', 'id', 'last_seen', DEVICE_TTL_SECONDS),
  rows('quotas of notices', 'notice_quotas', 'user_id, template', 'window_ends_at', 0),
  rows('links of mails', 'email_tokens', 'purpose, subject', 'expires_at', 0),
  rows('emailed codes', 'email_codes', 'subject', 'expires_at', 0),
  rows('sign-ins by email', 'email_logins', 'id', 'expires_at', 0),
  rows('used tickets', 'spent_tickets', 'id', 'expires_at', 0),
  rows('sign-ins with providers', 'provider_flows', 'id', 'expires_at', 0),
  rows('used nonces', 'used_nonces', 'hash', 'expires_at', 0),
  rows('revoked tokens of service accounts', 'revoked_tokens', 'jti', 'expires_at', 0),
  rows('revocations at providers', 'provider_revocations', 'id', 'expires_at', 0),
  rows('API keys', 'api_keys', 'id', 'expires_at', 30 * DAY),
  rows('failed deliveries of webhooks', 'webhook_deliveries', 'id', `status = 'failed' AND at`, 37 * DAY),
  rows('factor recoveries', 'factor_recoveries', 'user_id', 'expires_at', 0),
  rows('sent mails', 'mails', 'id', `status = 'sent' AND next_attempt_at`, 7 * DAY),
  rows('failed mails', 'mails', 'id', `status = 'failed' AND next_attempt_at`, 90 * DAY),
  auditEvents,
]

export type Pruned = {
  /** The number of deleted records of each kind. */
  deleted: Record<string, number>
  /** Whether another process was pruning. It, or the next run, deletes the remaining records. */
  busy: boolean
}

/** Deletes expired records and what remains of deleted accounts, in short batches. */
export async function prune(app: App, { maxBatches = Number.POSITIVE_INFINITY } = {}): Promise<Pruned> {
  const pruned: Pruned = { deleted: {}, busy: false }
  for (const { name, retentionSeconds, statement, wholesale } of prunables) {
    const seconds = retentionSeconds(app)
    if (seconds === undefined) continue
    const before = addSeconds(app.clock.now(), -seconds)
    pruned.deleted[name] = (await wholesale?.(app, before)) ?? 0
    for (let batch = 0; batch < maxBatches; batch++) {
      const [locked, deleted] = (await statement(app, before)) ?? [false, 0]
      if (!locked) return { ...pruned, busy: true }
      pruned.deleted[name] += deleted
      if (deleted < BATCH) break
    }
  }
  await tidySessions(app, maxBatches)
  await tidyWebhooks(app, maxBatches)
  await redactDeletedAccounts(app, maxBatches)
  return pruned
}

/** Starts pruning every minute. Only one replica prunes at a time. */
export function startPruning(app: App): StopBackgroundTask {
  return runEvery(
    app,
    INTERVAL_SECONDS,
    () => prune(app, { maxBatches: BATCHES_PER_RUN }),
    'could not delete expired records',
  )
}

/** Creates the partitions that the audit log lacks, now and every hour. */
export async function startPartitioning(app: App): Promise<StopBackgroundTask> {
  await createAuditPartitions(app)
  return runEvery(app, PARTITIONS_INTERVAL_SECONDS, createAuditPartitions, 'could not create partitions')
}
