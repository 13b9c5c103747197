import type pg from 'pg'

const SESSIONS_EACH = 3
/** What is inserted with one statement, so that progress is visible and memory is bounded. */
const BATCH = 500_000
/** Events are spread over these, the current month included. */
const MONTHS = 24

export type Amount = {
  accounts: number
  /** At least one. */
  eventsEach: number
  passwordHash: string
}

export const nameOf = (number: number | string) => `ada.lovelace.${number}@example.com`

/** The ID of an account by its number: as scattered as a random one, but known to every statement. */
const idOf = (number: string) => `md5('account ' || ${number})::uuid`

/**
 * Creates accounts, roles, sessions and events with a few statements, and indexes them afterwards, which takes a fraction of
 * the time. The result is what would have come to be one by one. Removes what the database has.
 */
export async function generate(pool: pg.Pool, amount: Amount): Promise<void> {
  await pool.query('SET synchronous_commit = off')
  await pool.query(`SET maintenance_work_mem = '256MB'`)
  await pool.query('ALTER TABLE users DISABLE TRIGGER USER')
  const reindex = await withoutIndexes(pool, ['users', 'user_roles', 'sessions', 'user_search'])
  for (let first = 1; first <= amount.accounts; first += BATCH) {
    const last = Math.min(first + BATCH - 1, amount.accounts)
    await addAccounts(pool, amount, first, last)
    note(`${last.toLocaleString('en')} accounts`)
  }
  await reindex()
  await pool.query('ALTER TABLE users ENABLE TRIGGER USER')
  await addEvents(pool, amount)
  // As autovacuum does in a while, and a checkpoint, so that none falls into a measurement.
  await pool.query('VACUUM ANALYZE')
  await pool.query('CHECKPOINT')
}

async function addAccounts(pool: pg.Pool, amount: Amount, first: number, last: number): Promise<void> {
  await pool.query(
    `INSERT INTO users (id, email, email_canonical, email_verified_at, username, display_name, password_hash,
       password_changed_at, last_login_at, created_at, updated_at)
     SELECT ${idOf('i')}, email, email, at, 'user' || i,
       (ARRAY['Ada', 'Grace', '김민수', 'Edsger', '이서연'])[1 + i % 5] || ' ' || initcap(substr(md5(i::text), 1, 7)),
       $4, at, at, at, at
     FROM (SELECT i, 'ada.lovelace.' || i || '@example.com' AS email,
             now() - ($1::int - i) * interval '30 seconds' AS at FROM generate_series($2::int, $3::int) i) made`,
    [amount.accounts, first, last, amount.passwordHash],
  )
  await pool.query(
    `INSERT INTO user_roles SELECT ${idOf('i')}, 'user' FROM generate_series($1::int, $2::int) i`,
    [first, last],
  )
  await pool.query(
    `INSERT INTO sessions (id, user_id, salt, created_at, last_used_at, authenticated_at, expires_at,
       absolute_expires_at, idle_ttl_seconds, remembered, device_name)
     SELECT gen_random_uuid(), ${idOf('i')}, decode(md5(i::text), 'hex'), now(), now(), now(),
       now() + interval '30 days', now() + interval '90 days', 2592000, true, 'Firefox on Linux'
     FROM generate_series($1::int, $2::int) i, generate_series(1, ${SESSIONS_EACH})`,
    [first, last],
  )
  await pool.query(
    `INSERT INTO user_search SELECT u.id, searched_text(u.email, u.username, u.display_name)
     FROM generate_series($1::int, $2::int) i JOIN users u ON u.id = ${idOf('i')} ON CONFLICT DO NOTHING`,
    [first, last],
  )
}

/** Fills each month before it becomes a partition, which creates its indexes. */
async function addEvents(pool: pg.Pool, { accounts, eventsEach }: Amount): Promise<void> {
  await pool.query('DROP TABLE audit_events_first')
  const { rows: months } = await pool.query<{ name: string; begins: Date; ends: Date; until: Date }>(
    `SELECT 'audit_events_' || to_char(m, 'YYYY_MM') AS name, m AT TIME ZONE 'UTC' AS begins,
       (m + interval '1 month') AT TIME ZONE 'UTC' AS ends, least((m + interval '1 month') AT TIME ZONE 'UTC', now()) AS until
     FROM generate_series(date_trunc('month', now() AT TIME ZONE 'UTC') - interval '${MONTHS - 1} months',
       date_trunc('month', now() AT TIME ZONE 'UTC'), interval '1 month') m`,
  )
  const each = Math.ceil((accounts * eventsEach) / months.length)
  for (const [index, { name, begins, ends, until }] of months.entries()) {
    await pool.query(`DROP TABLE IF EXISTS ${name}`)
    await pool.query(`CREATE TABLE ${name} (LIKE audit_events INCLUDING STATISTICS)`)
    await pool.query(
      `INSERT INTO ${name} (id, at, action, actor_id, subject_id, ip_address, user_agent, detail)
       SELECT gen_random_uuid(), $3::timestamptz + n * ($4::timestamptz - $3) / $2,
         (ARRAY['session.started', 'session.started', 'session.ended', 'session.denied', 'user.profile_updated'])[1 + n % 5],
         a, a, '203.0.113.' || n % 251, 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', '{}'
       FROM (SELECT n, ${idOf('1 + (n::bigint * 7919 + $5::int) % $1::int')} AS a FROM generate_series(0, $2::int - 1) n) made`,
      [accounts, each, begins, until, index],
    )
    const range = [begins, ends].map(time => `'${time.toISOString()}'`)
    await pool.query(
      `ALTER TABLE audit_events ATTACH PARTITION ${name} FOR VALUES FROM (${range[0]}) TO (${range[1]})`,
    )
    note(`${((index + 1) * each).toLocaleString('en')} events`)
  }
}

/** Drops the indexes of tables, except for those of constraints, and returns a function that creates them again. */
async function withoutIndexes(pool: pg.Pool, tables: string[]): Promise<() => Promise<void>> {
  const { rows } = await pool.query<{ name: string; sql: string }>(
    `SELECT indexname AS name, indexdef AS sql FROM pg_indexes
     WHERE schemaname = 'public' AND tablename = ANY ($1)
       AND NOT EXISTS (SELECT FROM pg_constraint WHERE conname = indexname)`,
    [tables],
  )
  for (const { name } of rows) await pool.query(`DROP INDEX "${name}"`)
  return async () => {
    for (const { sql } of rows) await pool.query(sql)
  }
}

/** Creating millions of rows takes minutes. */
function note(what: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} created ${what}\n`)
}
