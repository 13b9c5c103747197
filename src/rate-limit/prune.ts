import type { App } from '../app.ts'
import { type Chore, every } from '../chore.ts'
import { statement } from '../database/client.ts'

const INTERVAL_SECONDS = 60
const BATCH = 1000

/** Rows that somebody counts on right now are left for the next time, so neither waits for the other. */
const deleteExpired = statement(
  'limit-prune',
  `DELETE FROM rate_limits WHERE key IN (
     SELECT key FROM rate_limits WHERE window_ends_at <= $1 LIMIT ${BATCH} FOR UPDATE SKIP LOCKED
   ) RETURNING 1`,
)

/** Forgets attempts that no longer count, so that a flood of made-up names leaves nothing behind. */
export async function pruneLimits(app: App): Promise<void> {
  const now = app.clock.now()
  let deleted: unknown[]
  do deleted = await deleteExpired(app.pool, [now])
  while (deleted.length === BATCH)
}

/** Does so again and again until told to stop. */
export function keepLimitsPruned(app: App): Chore {
  return every(app, INTERVAL_SECONDS, pruneLimits, 'expired rate limits could not be deleted')
}
