import type { App } from '../app.ts'
import { addSeconds } from '../clock.ts'
import type { Queryable } from '../database/client.ts'

/** Few enough for the time that a statement has. */
const BATCH = 1000
/** Somebody waits while the events of an account are forgotten; the chore goes on. */
const PATIENCE_SECONDS = 2
/** How far back the chore looks for accounts that were deleted. */
const LOOK_BACK_SECONDS = 7 * 86_400

/** The detail of `user.deleted` for as long as other events of the account are to be stripped; empty from then on. */
export const UNFINISHED = { forgetting: true } as const

/**
 * Strips events of an account that is gone of personal data, so many at most, and says whether there may be more: the
 * addresses and devices of its own doing, and the details of what was done to it. The database lets events forget
 * this much, of such accounts, and change in no other way. That the account was deleted says nothing personal.
 */
export async function forgetSome(tx: Queryable, userId: string): Promise<boolean> {
  const stripped = await tx.$executeRaw`
    UPDATE audit_events SET
      ip_address = CASE WHEN actor_id IS NULL OR actor_id = ${userId}::uuid THEN NULL ELSE ip_address END,
      user_agent = CASE WHEN actor_id IS NULL OR actor_id = ${userId}::uuid THEN NULL ELSE user_agent END,
      detail = CASE WHEN subject_id = ${userId}::uuid THEN '{}' ELSE detail END
    WHERE id IN (
      SELECT id FROM audit_events
      WHERE (actor_id = ${userId}::uuid OR subject_id = ${userId}::uuid) AND action <> 'user.deleted' AND (
        (subject_id = ${userId}::uuid AND detail <> '{}')
        OR ((actor_id IS NULL OR actor_id = ${userId}::uuid) AND num_nonnulls(ip_address, user_agent) > 0)
      ) LIMIT ${BATCH}
    )`
  return stripped === BATCH
}

/**
 * Forgets the events of an account after the transaction that deleted it, which would not have the time where there
 * are many. What is left after two seconds, or where the database is away, is for `forgetDeleted`: the account is
 * gone in any case, and nobody is to be told otherwise.
 */
export async function forgetPerson({ db, log }: App, userId: string): Promise<void> {
  const deadline = performance.now() + PATIENCE_SECONDS * 1000
  try {
    let more = true
    while (more && performance.now() < deadline) more = await forgetSome(db, userId)
    if (!more) await finish(db, userId)
  } catch (error) {
    log.warn({ err: error }, 'events of a deleted account could not be stripped; that is tried again')
  }
}

/** Goes on with the events of accounts that were deleted of late, in so many batches at most. */
export async function forgetDeleted({ db, clock }: App, maxBatches: number): Promise<void> {
  const at = { gte: addSeconds(clock.now(), -LOOK_BACK_SECONDS) }
  const unfinished = await db.auditEvent.findMany({
    where: { action: 'user.deleted', at, detail: { equals: UNFINISHED } },
    select: { subjectId: true },
  })
  let batches = 0
  for (const { subjectId } of unfinished) {
    let more = subjectId !== null
    while (subjectId && more && batches++ < maxBatches) more = await forgetSome(db, subjectId)
    if (subjectId && !more) await finish(db, subjectId)
  }
}

async function finish(db: Queryable, subjectId: string): Promise<void> {
  const where = { action: 'user.deleted', subjectId, detail: { equals: UNFINISHED } }
  await db.auditEvent.updateMany({ where, data: { detail: {} } })
}
