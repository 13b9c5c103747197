import type pg from 'pg'
import type { App } from '../app.ts'
import { type Chore, every } from '../chore.ts'
import { statement } from '../database/client.ts'

const INTERVAL_SECONDS = 1
/** Few enough for the time that a statement has. */
const BATCH = 1000

/**
 * Locks the accounts, so that what is written is their latest text, whichever replica writes it; each locks them in
 * the same order.
 */
const indexNext = statement<[count: number]>(
  'search-index',
  `WITH taken AS (
     DELETE FROM user_search_queue WHERE id IN (
       SELECT id FROM user_search_queue ORDER BY id LIMIT ${BATCH} FOR UPDATE SKIP LOCKED
     ) RETURNING user_id
   ), written AS (
     INSERT INTO user_search (user_id, text)
     SELECT u.id, searched_text(u.email, u.username, u.display_name) FROM users u
     WHERE u.id IN (SELECT user_id FROM taken) ORDER BY u.id FOR SHARE
     ON CONFLICT (user_id) DO UPDATE SET text = excluded.text
   )
   SELECT count(*)::int FROM taken`,
)

/** Writes what has changed of accounts into the index that they are searched by. */
export async function indexAccounts(app: App): Promise<void> {
  let taken: number
  do [[taken] = [0]] = await indexNext(app.pool, [])
  while (taken === BATCH)
}

/** Does so again and again until told to stop. */
export function keepAccountsIndexed(app: App): Chore {
  return every(app, INTERVAL_SECONDS, indexAccounts, 'accounts could not be indexed for searches')
}

/**
 * The ids of accounts that may have the term in them: by the index, and what is not in it yet. To be checked against
 * the accounts themselves, which may have changed since. Undefined where there are more than `limit`.
 */
export async function findCandidates(
  pool: pg.Pool,
  term: string,
  limit: number,
): Promise<string[] | undefined> {
  // Without a name, so that each term is planned for.
  const text = `
    (SELECT user_id FROM user_search
     WHERE search_pieces(text) @@ search_query(lower($1)) AND strpos(text, lower($1)) > 0 LIMIT ${limit + 1})
    UNION (SELECT user_id FROM user_search_queue LIMIT ${limit + 1})`
  const { rows } = await pool.query<[string]>({ text, values: [term], rowMode: 'array' })
  return rows.length > limit ? undefined : rows.map(([id]) => id)
}
