import type { App } from '../app.ts'
import { type Queryable, statement } from '../database/client.ts'

/** Few enough events to stay within the statement timeout. */
const BATCH = 500
/** The caller waits for the redaction this long. The background task continues. */
const MAX_WAIT_SECONDS = 2

/** Precedes every event. */
const START = { at: new Date(0), id: '00000000-0000-0000-0000-000000000000' }

/**
 * Requests, in the caller's transaction, that the audit log lose its personal data about deleted accounts, or about
 * registrations that were never completed. Redaction is too slow for the transaction: call `redactAccount` after it.
 */
export async function requestErasure(tx: Queryable, at: Date, subjectIds: string[]): Promise<void> {
  const rows = subjectIds.map(subjectId => ({
    subjectId,
    requestedAt: at,
    triedAt: at,
    afterAt: START.at,
    afterId: START.id,
  }))
  await tx.erasure.createMany({ data: rows, skipDuplicates: true })
}

/**
 * Redacts the events of accounts for which `requestErasure` was called. `redactDeletedAccounts` continues after two seconds
 * or a database error. The account is already deleted, so the caller gets no error.
 */
export async function redactAccount(app: App, subjectIds: string[]): Promise<void> {
  const deadline = performance.now() + MAX_WAIT_SECONDS * 1000
  try {
    for (const id of subjectIds) {
      while (performance.now() < deadline) {
        const [erasure] = await takeOne(app.pool, [id])
        if (!erasure || !(await redactBatch(app, ...erasure))) break
      }
    }
  } catch (error) {
    app.log.warn(
      { err: error },
      'could not redact the events of a deleted account; a background task retries',
    )
  }
}

/**
 * Redacts the events of deleted accounts, in at most `maxBatches` batches. Accounts take turns, so that neither an account
 * with many events nor one that fails delays the others. Each batch continues where the last one ended.
 */
export async function redactDeletedAccounts(app: App, maxBatches: number): Promise<void> {
  const skipped: string[] = []
  for (let batch = 0; batch < maxBatches; batch++) {
    const [erasure] = await takeNext(app.pool, [skipped])
    if (!erasure) return
    const [subjectId] = erasure
    try {
      // False if another process is redacting this account.
      if (!(await redactBatch(app, ...erasure))) skipped.push(subjectId)
    } catch (error) {
      skipped.push(subjectId)
      app.log.warn({ err: error, subjectId }, 'could not redact the events of a deleted account')
    }
  }
}

/** The position of the redaction: first the events that concern the account, then those it caused. */
type Erasure = [subjectId: string, asActor: boolean, afterAt: Date, afterId: string]

const take = (
  which: string,
) => `UPDATE erasures SET tried_at = clock_timestamp() WHERE subject_id = (${which})
  RETURNING subject_id, as_actor, after_at, after_id`

const takeOne = statement<Erasure>('erasure-of', take('$1'))

const takeNext = statement<Erasure>(
  'erasure-next',
  take(`SELECT subject_id FROM erasures WHERE subject_id <> ALL ($1::uuid[])
    ORDER BY tried_at, subject_id LIMIT 1 FOR UPDATE SKIP LOCKED`),
)

/**
 * Redacts one batch: addresses and devices of events that the account caused, and details of events that concern it. The
 * database permits only this change to events, and only for deleted accounts. The batches proceed by time and ID, which an
 * index of either column supports. Returns false if another process has moved the position on.
 */
async function redactBatch(
  app: App,
  subjectId: string,
  asActor: boolean,
  afterAt: Date,
  afterId: string,
): Promise<boolean> {
  const [outcome] = await (asActor ? stripAsActor : stripAsSubject)(app.pool, [subjectId, afterAt, afterId])
  const [locked, scanned] = outcome ?? [false, 0]
  if (!locked) return false
  if (scanned === BATCH) return true
  // No events are left on this side.
  if (asActor) await app.db.erasure.deleteMany({ where: { subjectId, asActor } })
  else {
    await app.db.erasure.updateMany({
      where: { subjectId, asActor },
      data: { asActor: true, afterAt: START.at, afterId: START.id },
    })
  }
  return true
}

const strip = (column: 'subject_id' | 'actor_id') =>
  statement<[locked: boolean, scanned: number]>(
    `erase-${column}`,
    `WITH mine AS MATERIALIZED (
       SELECT FROM erasures WHERE subject_id = $1::uuid AND as_actor = ${column === 'actor_id'}
         AND (after_at, after_id) = ($2::timestamptz, $3::uuid) FOR UPDATE SKIP LOCKED
     ), page AS MATERIALIZED (
       SELECT at, id FROM audit_events
       WHERE ${column} = $1::uuid AND (at, id) > ($2::timestamptz, $3::uuid) AND at >= $2::timestamptz
         AND (SELECT count(*) FROM mine) = 1
       ORDER BY at, id LIMIT ${BATCH}
     ), stripped AS (
       UPDATE audit_events e SET
         ip_address = CASE WHEN e.actor_id IS NULL OR e.actor_id = $1::uuid THEN NULL ELSE e.ip_address END,
         user_agent = CASE WHEN e.actor_id IS NULL OR e.actor_id = $1::uuid THEN NULL ELSE e.user_agent END,
         detail = CASE WHEN e.subject_id = $1::uuid THEN '{}' ELSE e.detail END
       WHERE e.id = ANY (ARRAY(SELECT id FROM page))
       AND e.at BETWEEN (SELECT min(at) FROM page) AND (SELECT max(at) FROM page) AND (
         (e.subject_id = $1::uuid AND e.detail <> '{}')
         OR ((e.actor_id IS NULL OR e.actor_id = $1::uuid) AND num_nonnulls(e.ip_address, e.user_agent) > 0)
       )
     ), moved AS (
       UPDATE erasures SET after_at = last.at, after_id = last.id
       FROM (SELECT at, id FROM page ORDER BY at DESC, id DESC LIMIT 1) last WHERE subject_id = $1::uuid
     )
     SELECT (SELECT count(*) FROM mine) = 1, (SELECT count(*)::int FROM page)`,
  )

const [stripAsSubject, stripAsActor] = [strip('subject_id'), strip('actor_id')]
