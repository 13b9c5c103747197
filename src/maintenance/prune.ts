import type { App } from '../app.ts'
import { auditColumns, NO_REQUEST, toEvent } from '../audit/record.ts'
import { redactDeletedAccounts } from '../audit/redact.ts'
import { runEvery, type StopBackgroundTask } from '../background-task.ts'
import { addSeconds } from '../clock.ts'
import { statement } from '../database/client.ts'
import { insertSql, toRows } from '../database/insert.ts'
import { DEVICE_TTL_SECONDS } from '../devices/device.ts'
import { tidySessions } from '../sessions/tidy.ts'

const INTERVAL_SECONDS = 60
const DAY = 86_400
/** A batch takes a few milliseconds, and nobody waits for longer than that. */
const BATCH = 1000
/** In a turn of the chore: what is left comes with the next one. */
const MAX_BATCHES = 20
/** Whoever holds it prunes: one replica at a time. */
const LOCK = 72_707_370

type Outcome = [mine: boolean, deleted: number]

type Prunable = {
  name: string
  /** How long what has ended is kept; undefined for ever. */
  keepSeconds: (app: App) => number | undefined
  statement: (app: App, before: Date) => Promise<Outcome | undefined>
}

/**
 * Rows of a table by the columns of its primary key, from when they `ended` on. Rows that somebody works on right
 * now are left for the next time, so neither waits for the other. The condition needs an index.
 */
function rows(name: string, table: string, key: string, ended: string, keepSeconds: number): Prunable {
  const run = pruning(
    name,
    `DELETE FROM ${table} WHERE (${key}) IN (
       SELECT ${key} FROM ${table} WHERE (SELECT mine FROM turn) AND ${ended} <= $1
       LIMIT ${BATCH} FOR UPDATE SKIP LOCKED
     ) RETURNING 1`,
  )
  return {
    name,
    keepSeconds: () => keepSeconds,
    statement: async ({ pool }, before) => (await run(pool, [before]))[0],
  }
}

/** A statement that deletes only where no other process is doing so; the lock lasts as long as the statement. */
function pruning(name: string, deletion: string, further = '') {
  return statement<Outcome>(
    `prune ${name}`,
    `WITH turn AS MATERIALIZED (SELECT pg_try_advisory_xact_lock(${LOCK}) AS mine), gone AS (${deletion}) ${further}
     SELECT mine, (SELECT count(*)::int FROM gone) FROM turn`,
  )
}

const pruneAudit = pruning(
  'audit events',
  // Not by DELETE: the audit log refuses that.
  `SELECT FROM turn, generate_series(1, CASE WHEN mine THEN prune_audit_events($1, ${BATCH}) ELSE 0 END)`,
  `, happened AS (SELECT FROM gone LIMIT 1), recorded AS (${insertSql('audit_events', auditColumns, 2, 'happened')})`,
)

const auditEvents: Prunable = {
  name: 'audit events',
  keepSeconds: app => app.config.auditRetentionSeconds,
  statement: async ({ pool, clock }, before) => {
    const detail = { before: before.toISOString() }
    const event = toEvent(NO_REQUEST, { action: 'audit.pruned', at: clock.now(), detail })
    return (await pruneAudit(pool, [before, toRows(auditColumns, event)]))[0]
  },
}

/**
 * What does not stay for ever. Sessions outlast their end, so that their owner sees where they were. A mail that was sent or given up is not attempted again.
 */
const prunables: Prunable[] = [
  rows('attempts', 'rate_limits', 'key', 'window_ends_at', 0),
  rows('revoked sessions', 'sessions', 'id', 'revoked_at', 30 * DAY),
  rows('expired sessions', 'sessions', 'id', 'absolute_expires_at', 30 * DAY),
  rows('devices', 'devices', 'id', 'last_seen', DEVICE_TTL_SECONDS),
  rows('quotas of notices', 'notice_quotas', 'user_id, template', 'window_ends_at', 0),
  rows('links of mails', 'email_tokens', 'purpose, subject', 'expires_at', 0),
  rows('sent mails', 'mails', 'id', `status = 'sent' AND next_attempt_at`, 7 * DAY),
  rows('failed mails', 'mails', 'id', `status = 'failed' AND next_attempt_at`, 90 * DAY),
  auditEvents,
]

export type Pruned = {
  /** How many were deleted, by what they were. */
  deleted: Record<string, number>
  /** Whether another process was at it: what is left is for that one, or for the next time. */
  busy: boolean
}

/** Deletes what has been over for long enough, and what deleted accounts left, in batches that nobody waits for. */
export async function prune(app: App, { maxBatches = Number.POSITIVE_INFINITY } = {}): Promise<Pruned> {
  const pruned: Pruned = { deleted: {}, busy: false }
  for (const { name, keepSeconds, statement } of prunables) {
    const seconds = keepSeconds(app)
    if (seconds === undefined) continue
    const before = addSeconds(app.clock.now(), -seconds)
    pruned.deleted[name] = 0
    for (let batch = 0; batch < maxBatches; batch++) {
      const [mine, deleted] = (await statement(app, before)) ?? [false, 0]
      if (!mine) return { ...pruned, busy: true }
      pruned.deleted[name] += deleted
      if (deleted < BATCH) break
    }
  }
  await tidySessions(app, maxBatches)
  await redactDeletedAccounts(app, maxBatches)
  return pruned
}

/** Does so again and again until told to stop, as long as no other replica does. */
export function startPruning(app: App): StopBackgroundTask {
  return runEvery(
    app,
    INTERVAL_SECONDS,
    () => prune(app, { maxBatches: MAX_BATCHES }),
    'what is over could not be deleted',
  )
}
