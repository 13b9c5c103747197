import type { App } from '../app.ts'
import { type Queryable, statement } from '../database/client.ts'

/** Few enough for the time that a statement has. */
const BATCH = 500
/** Someone waits while the events of an account are forgotten; the chore goes on. */
const PATIENCE_SECONDS = 2

/** Before every event: where a walk starts. */
const START = { at: new Date(0), id: '00000000-0000-0000-0000-000000000000' }

/**
 * Asks, in the caller's transaction, for the audit log to forget what it has on accounts that are gone by then, or on
 * registrations that never became one. Call `redactAccount` after the transaction, which would not have the time.
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
 * Forgets what was asked for with `requestErasure`, after the transaction that deleted the account. What is left after two seconds, or when the
 * database is away, is for `redactDeletedAccounts`: the account is gone either way, so the caller gets no error.
 */
export async function redactAccount(app: App, subjectIds: string[]): Promise<void> {
  const deadline = performance.now() + PATIENCE_SECONDS * 1000
  try {
    for (const id of subjectIds) {
      while (performance.now() < deadline) {
        const [erasure] = await takeOne(app.pool, [id])
        if (!erasure || !(await redactBatch(app, ...erasure))) break
      }
    }
  } catch (error) {
    app.log.warn({ err: error }, 'events of a deleted account could not be stripped; that is tried again')
  }
}

/**
 * Goes on with the events of deleted accounts, at most `maxBatches` batches: one for each account in turn, so that
 * neither a busy account nor one that fails holds up the others. Every batch continues where the last one ended.
 */
export async function redactDeletedAccounts(app: App, maxBatches: number): Promise<void> {
  const left: string[] = []
  for (let batch = 0; batch < maxBatches; batch++) {
    const [erasure] = await takeNext(app.pool, [left])
    if (!erasure) return
    const [subjectId] = erasure
    try {
      // Another process is at it.
      if (!(await redactBatch(app, ...erasure))) left.push(subjectId)
    } catch (error) {
      left.push(subjectId)
      app.log.warn({ err: error, subjectId }, 'events of a deleted account could not be stripped')
    }
  }
}

/** What is to be forgotten next of a subject: first what was done to it, then what it did. */
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
 * Strips one batch: the addresses and devices of its own doing, and the details of what was done to it. The database
 * lets events forget this much, of such accounts, and change in no other way. The walk goes by time and id, by an
 * index of either column, and only forward. Returns false if another process has moved it on.
 */
async function redactBatch(
  app: App,
  subjectId: string,
  asActor: boolean,
  afterAt: Date,
  afterId: string,
): Promise<boolean> {
  const [outcome] = await (asActor ? stripAsActor : stripAsSubject)(app.pool, [subjectId, afterAt, afterId])
  const [mine, walked] = outcome ?? [false, 0]
  if (!mine) return false
  if (walked === BATCH) return true
  // The end of this walk.
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
  statement<[mine: boolean, walked: number]>(
    `erase-${column}`,
    `WITH mine AS MATERIALIZED (
       SELECT FROM erasures WHERE subject_id = $1::uuid AND as_actor = ${column === 'actor_id'}
         AND (after_at, after_id) = ($2::timestamptz, $3::uuid) FOR UPDATE SKIP LOCKED
     ), page AS MATERIALIZED (
       SELECT at, id FROM audit_events
       WHERE ${column} = $1::uuid AND (at, id) > ($2::timestamptz, $3::uuid) AND (SELECT count(*) FROM mine) = 1
       ORDER BY at, id LIMIT ${BATCH}
     ), stripped AS (
       UPDATE audit_events e SET
         ip_address = CASE WHEN e.actor_id IS NULL OR e.actor_id = $1::uuid THEN NULL ELSE e.ip_address END,
         user_agent = CASE WHEN e.actor_id IS NULL OR e.actor_id = $1::uuid THEN NULL ELSE e.user_agent END,
         detail = CASE WHEN e.subject_id = $1::uuid THEN '{}' ELSE e.detail END
       WHERE e.id = ANY (ARRAY(SELECT id FROM page)) AND (
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
