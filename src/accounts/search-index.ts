import type pg from 'pg'
import type { App } from '../app.ts'
import { runEvery, type StopBackgroundTask } from '../background-task.ts'
import { statement } from '../database/client.ts'

const INTERVAL_SECONDS = 1
/** Small enough to finish within the statement timeout. */
const BATCH = 1000

/**
 * Locks the accounts, so that every replica writes their latest text. Skips an account that another transaction is
 * changing until the next run, so that neither waits for the other.
 */
const indexNext = statement<[count: number]>(
  'search-index',
  `WITH next AS MATERIALIZED (
     SELECT id, user_id FROM user_search_queue ORDER BY id LIMIT ${BATCH} FOR UPDATE SKIP LOCKED
   ), changed AS MATERIALIZED (
     SELECT u.id, searched_text(u.email, u.username, u.display_name) AS text FROM users u
     WHERE u.id IN (SELECT user_id FROM next) FOR SHARE SKIP LOCKED
   ), written AS (
     INSERT INTO user_search (user_id, text) SELECT id, text FROM changed
     ON CONFLICT (user_id) DO UPDATE SET text = excluded.text
   ), done AS (
     DELETE FROM user_search_queue q USING next WHERE q.id = next.id AND (
       q.user_id IN (SELECT id FROM changed) OR NOT EXISTS (SELECT FROM users u WHERE u.id = q.user_id)
     ) RETURNING 1
   )
   SELECT count(*)::int FROM done`,
)

/** Updates the search index with the accounts that have changed. */
export async function indexAccounts(app: App): Promise<void> {
  let done: number
  do [[done] = [0]] = await indexNext(app.pool, [])
  while (done === BATCH)
}

/** Runs `indexAccounts` every second until stopped. */
export function startSearchIndexing(app: App): StopBackgroundTask {
  return runEvery(app, INTERVAL_SECONDS, indexAccounts, 'could not update the search index')
}

/**
 * The IDs of accounts that may contain the term, as a PostgreSQL array: matches in the index, and accounts that are not
 * indexed yet. Check them against the accounts themselves, which may have changed since. Undefined if there are more
 * than `limit`.
 */
export async function findCandidates(
  pool: pg.Pool,
  term: string,
  limit: number,
): Promise<string | undefined> {
  // An unnamed statement, so that PostgreSQL plans each term separately. The IDs stay one text, because they are only
  // passed on to another statement.
  const text = `
    SELECT CASE WHEN count(*) <= ${limit} THEN coalesce(array_agg(user_id), '{}')::text END FROM (
      (SELECT user_id FROM user_search
       WHERE search_pieces(text) @@ search_query(lower($1)) AND strpos(text, lower($1)) > 0 LIMIT ${limit + 1})
      UNION (SELECT user_id FROM user_search_queue LIMIT ${limit + 1})
    ) found`
  const { rows } = await pool.query<[string | null]>({ text, values: [term], rowMode: 'array' })
  return rows[0]?.[0] ?? undefined
}
