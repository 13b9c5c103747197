import type { App } from '../app.ts'
import { statement } from '../database/client.ts'
import { markEnded } from './live.ts'

/** Small enough for the statement timeout. */
const BATCH = 1000
/** How long a request spends deleting rows of a deleted account. The background task deletes the rest. */
const DELETION_SECONDS = 2

type Row = [unknown]

/** Each account once: a session joined with several endings would fill the batch several times. */
const lastEndings = '(SELECT user_id, max(epoch) AS epoch FROM session_endings GROUP BY user_id)'

const ofDeletedAccounts = `
  SELECT s.id FROM ${lastEndings} e JOIN sessions s ON s.user_id = e.user_id
  WHERE NOT EXISTS (SELECT FROM users u WHERE u.id = e.user_id) LIMIT ${BATCH} FOR UPDATE OF s SKIP LOCKED`

const unmarked = `
  SELECT o.id FROM ${lastEndings} e JOIN users u ON u.id = e.user_id
  JOIN sessions o ON o.user_id = e.user_id AND o.epoch < e.epoch AND o.revoked_at IS NULL
  LIMIT ${BATCH} FOR UPDATE OF o SKIP LOCKED`

/** Each step handles one batch, returns a row for each session, and never waits for a locked row. */
const steps = [
  statement<Row>('tidy-gone', `DELETE FROM sessions WHERE id IN (${ofDeletedAccounts}) RETURNING 1`),
  statement<Row>('tidy-ended', `${markEnded(`s.id IN (${unmarked})`)} RETURNING 1`),
]

/** An ending stays until all its sessions are marked or deleted. */
const forgetEndings = statement<Row>(
  'tidy-endings',
  `DELETE FROM session_endings WHERE (user_id, epoch) IN (
     SELECT e.user_id, e.epoch FROM session_endings e
     WHERE NOT EXISTS (SELECT FROM sessions s WHERE s.user_id = e.user_id AND s.epoch < e.epoch AND s.revoked_at IS NULL)
       AND (EXISTS (SELECT FROM users u WHERE u.id = e.user_id)
         OR NOT EXISTS (SELECT FROM sessions s WHERE s.user_id = e.user_id))
     LIMIT ${BATCH} FOR UPDATE SKIP LOCKED
   ) RETURNING 1`,
)

/**
 * Marks the rows of sessions that ended together, and deletes those of deleted accounts. The sessions ended when the
 * account's epoch rose; this only sets `revokedAt`, so that `prune` can delete the rows later.
 */
export async function tidySessions({ pool }: App, maxBatches: number): Promise<void> {
  for (const step of [...steps, forgetEndings]) {
    for (let batch = 0; batch < maxBatches; batch++) {
      if ((await step(pool, [])).length < BATCH) break
    }
  }
}

const deleteOf = statement<Row>(
  'sessions-of-gone-account',
  `DELETE FROM sessions WHERE id IN (
     SELECT s.id FROM sessions s WHERE s.user_id = $1 AND NOT EXISTS (SELECT FROM users u WHERE u.id = $1)
     LIMIT ${BATCH}
   ) RETURNING 1`,
)

/**
 * Deletes the session rows of a deleted account, after the transaction that deleted it and thereby ended them. After two
 * seconds, or if the database is unavailable, `tidySessions` deletes the rest.
 */
export async function deleteSessionsOf({ pool, log }: App, userId: string): Promise<void> {
  const deadline = performance.now() + DELETION_SECONDS * 1000
  try {
    let deleted = BATCH
    while (deleted >= BATCH && performance.now() < deadline) deleted = (await deleteOf(pool, [userId])).length
    if (deleted < BATCH) await pool.query('DELETE FROM session_endings WHERE user_id = $1', [userId])
  } catch (error) {
    log.warn({ err: error }, 'could not delete the sessions of a deleted account yet')
  }
}
