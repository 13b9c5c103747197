import pg from 'pg'

const SESSIONS_EACH = 3
/** What is inserted with one statement, so that progress is visible. */
const BATCH = 500_000
/** Events are spread over these, the current month included. */
const MONTHS = 24
/** Connections that create at the same time: one spends most of its time on the accounts. */
const CREATORS = 2

export type Amount = {
  accounts: number
  /** At least one. */
  eventsEach: number
  passwordHash: string
}

type Task = (client: pg.ClientBase) => Promise<void>
type Month = { name: string; begins: Date; ends: Date; until: Date }

export const nameOf = (number: number | string) => `ada.lovelace.${number}@example.com`

/** The ID of an account by its number: as scattered as a random one, but known to every statement. */
const idOf = (number: string) => `md5('account ' || ${number})::uuid`

/**
 * Creates accounts, each with a role, a device and sessions, and events, in a migrated database. The result is what would
 * have come to be one by one. Indexes are filled afterwards, and with `wal_level = minimal` nothing is written twice. Goes
 * on where it was interrupted: the accounts and each month of events are there as a whole or not at all.
 */
export async function generate(url: string, amount: Amount): Promise<void> {
  const clients = Array.from({ length: CREATORS }, () => new pg.Client({ connectionString: url }))
  const [first] = clients as [pg.Client, ...pg.Client[]]
  try {
    for (const client of clients) {
      await client.connect()
      await client.query('SET synchronous_commit = off')
      // The creators are as many as the memory is made for.
      await client.query('SET max_parallel_maintenance_workers = 0')
      // No triggers, and no look-up of what foreign keys name. Only a superuser may.
      await client.query('SET session_replication_role = replica')
    }
    const tasks = [...(await accountsToAdd(first, amount)), ...(await monthsToAdd(first, amount))]
    await Promise.all(
      clients.map(async client => {
        for (let task = tasks.shift(); task; task = tasks.shift()) await task(client)
      }),
    )
    // As autovacuum does in a while, and a checkpoint, so that none falls into a measurement.
    await first.query('VACUUM ANALYZE')
    await first.query('CHECKPOINT')
  } finally {
    for (const client of clients) await client.end()
  }
}

const TABLES = ['users', 'user_roles', 'user_search', 'sessions', 'devices']

async function accountsToAdd(client: pg.ClientBase, amount: Amount): Promise<Task[]> {
  const { rows } = await client.query('SELECT FROM users LIMIT 1')
  return rows.length > 0 ? [] : [creator => addAccounts(creator, amount)]
}

async function addAccounts(client: pg.ClientBase, amount: Amount): Promise<void> {
  await inTransaction(client, async () => {
    // What this transaction has emptied needs no log of what it fills in.
    await client.query(`TRUNCATE ${TABLES.join()} CASCADE`)
    await stopIndexing(client, TABLES)
    for (let first = 1; first <= amount.accounts; first += BATCH) {
      const last = Math.min(first + BATCH - 1, amount.accounts)
      await addSome(client, amount, first, last)
      note(`${last.toLocaleString('en')} accounts`)
    }
    for (const table of TABLES) {
      await client.query(`REINDEX TABLE ${table}`)
      note(`the indexes of ${table}`)
    }
  })
  await client.query(`VACUUM (FREEZE, ANALYZE) ${TABLES.join()}`)
}

async function addSome(
  client: pg.ClientBase,
  { accounts, passwordHash }: Amount,
  first: number,
  last: number,
): Promise<void> {
  const made = `(SELECT i, ${idOf('i')} AS id, 'ada.lovelace.' || i || '@example.com' AS email, 'user' || i AS username,
      (ARRAY['Ada', 'Grace', '김민수', 'Edsger', '이서연'])[1 + i % 5] || ' ' || initcap(substr(md5(i::text), 1, 7)) AS name,
      now() - ($1::int - i) * interval '30 seconds' AS at
    FROM generate_series($2::int, $3::int) i OFFSET 0) made`
  const range = [accounts, first, last]
  await client.query(
    `INSERT INTO users (id, email, email_canonical, email_verified_at, username, display_name, password_hash,
       password_changed_at, last_login_at, created_at, updated_at)
     SELECT id, email, email, at, username, name, $4, at, at, at, at FROM ${made}`,
    [...range, passwordHash],
  )
  await client.query(
    `INSERT INTO user_search SELECT id, searched_text(email, username, name) FROM ${made}`,
    range,
  )
  await client.query(`INSERT INTO user_roles SELECT id, 'user' FROM ${made}`, range)
  await client.query(
    `INSERT INTO devices (id, user_id, secret_hash, first_seen, last_seen, device_name, ip_address)
     SELECT gen_random_uuid(), id, decode(md5(i::text) || md5(username), 'hex'), at, at, 'Firefox on Linux', '203.0.113.' || i % 251
     FROM ${made}`,
    range,
  )
  await client.query(
    `INSERT INTO sessions (id, user_id, salt, created_at, last_used_at, authenticated_at, expires_at,
       absolute_expires_at, idle_ttl_seconds, remembered, device_name)
     SELECT gen_random_uuid(), id, decode(md5(i::text), 'hex'), now(), now(), now(),
       now() + interval '30 days', now() + interval '90 days', 2592000, true, 'Firefox on Linux'
     FROM ${made}, generate_series(1, ${SESSIONS_EACH})`,
    range,
  )
}

/** The months whose partition is not there yet. */
async function monthsToAdd(client: pg.ClientBase, amount: Amount): Promise<Task[]> {
  const { rows } = await client.query<Month & { filled: boolean }>(
    `SELECT 'audit_events_' || to_char(m, 'YYYY_MM') AS name, m AT TIME ZONE 'UTC' AS begins,
       (m + interval '1 month') AT TIME ZONE 'UTC' AS ends, least((m + interval '1 month') AT TIME ZONE 'UTC', now()) AS until
     FROM generate_series(date_trunc('month', now() AT TIME ZONE 'UTC') - interval '${MONTHS - 1} months',
       date_trunc('month', now() AT TIME ZONE 'UTC'), interval '1 month') m`,
  )
  // Those that came with the migrations hold nothing.
  await client.query('DROP TABLE IF EXISTS audit_events_first')
  const missing: Month[] = []
  for (const month of rows) if (!(await isFilled(client, month.name))) missing.push(month)
  const each = Math.ceil((amount.accounts * amount.eventsEach) / MONTHS)
  return missing.map((month, index) => creator => addMonth(creator, amount, month, each, index))
}

async function isFilled(client: pg.ClientBase, name: string): Promise<boolean> {
  const { rows } = await client.query<{ there: boolean }>('SELECT to_regclass($1) IS NOT NULL AS there', [
    name,
  ])
  if (!rows[0]?.there) return false
  const { rows: some } = await client.query(`SELECT FROM ${name} LIMIT 1`)
  if (some.length > 0) return true
  await client.query(`DROP TABLE ${name}`)
  return false
}

/** Fills a month before it becomes a partition, as `create_audit_partitions` makes them. */
async function addMonth(
  client: pg.ClientBase,
  { accounts }: Amount,
  { name, begins, ends, until }: Month,
  each: number,
  index: number,
): Promise<void> {
  const range = [begins, ends].map(time => `'${time.toISOString()}'`)
  await inTransaction(client, async () => {
    await client.query(`CREATE TABLE ${name} (LIKE audit_events INCLUDING ALL)`)
    await stopIndexing(client, [name])
    await client.query(
      `INSERT INTO ${name} (id, at, action, actor_id, subject_id, ip_address, user_agent, detail)
       SELECT gen_random_uuid(), $3::timestamptz + n * ($4::timestamptz - $3) / $2,
         (ARRAY['session.started', 'session.started', 'session.ended', 'session.denied', 'user.profile_updated'])[1 + n % 5],
         a, a, '203.0.113.' || n % 251, 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', '{}'
       FROM (SELECT n, ${idOf('1 + (n::bigint * 7919 + $5::int) % $1::int')} AS a
         FROM generate_series(0, $2::int - 1) n OFFSET 0) made`,
      [accounts, each, begins, until, index],
    )
    await client.query(`REINDEX TABLE ${name}`)
    await client.query(
      `CREATE TRIGGER audit_events_append_only BEFORE TRUNCATE ON ${name} FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()`,
    )
    await client.query(
      `ALTER TABLE audit_events ATTACH PARTITION ${name} FOR VALUES FROM (${range[0]}) TO (${range[1]})`,
    )
  })
  // While its pages are still in memory.
  await client.query(`VACUUM (FREEZE, ANALYZE) ${name}`)
  note(`${each.toLocaleString('en')} events of ${name.slice(-7).replace('_', '-')}`)
}

/**
 * Until `REINDEX`, which must come in the same transaction, rows are not added to the indexes, not even to those of
 * constraints, and no plan uses them.
 */
async function stopIndexing(client: pg.ClientBase, tables: string[]): Promise<void> {
  await client.query(
    'UPDATE pg_index SET indisready = false, indisvalid = false WHERE indrelid = ANY ($1::text[]::regclass[])',
    [tables],
  )
}

async function inTransaction(client: pg.ClientBase, task: () => Promise<void>): Promise<void> {
  await client.query('BEGIN')
  try {
    await task()
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {})
    throw error
  }
}

/** Creating millions of rows takes minutes. */
export function note(what: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} created ${what}\n`)
}
