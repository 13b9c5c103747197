// npm run bench:overview: makes five million audit events on the built-in database and prints, for each figure of the
// overview, its query's time and the index that it reads. Takes some minutes, nearly all of it to make the events.
import { execFile } from 'node:child_process'
import { chmod, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import pg from 'pg'
import { overviewOf } from '../../src/admin/overview/overview.ts'
import type { App } from '../../src/app.ts'
import { startEmbedded } from '../../src/database/embedded/start.ts'

const EVENTS = 5_000_000
const ACCOUNTS = 100_000
const BATCH = 250_000
const ROUNDS = 3
/** All events in the period that the overview reads: a busier server than one that keeps years of them. */
const DAYS = 30
/** Of a hundred events. */
const SHARES = [
  ['session.started', 55],
  ['session.ended', 20],
  ['session.denied', 15],
  ['user.profile_updated', 7],
  ['limit.hit', 2],
  ['mail.failed', 1],
] as const
const FIGURES = [
  'signIns',
  'failures',
  'limitsHit',
  'emailsFailed',
  'newPeople',
  'people',
  'emailsQueued',
] as const

// From dist/bench/test/bench.
const CLI = fileURLToPath(new URL('../../../cli/main.js', import.meta.url))
const SETTINGS = {
  NODE_ENV: 'production',
  PUBLIC_URL: 'http://localhost',
  MAIL: 'off',
  AUTHOGRAPH_SECRET: 'a secret that only the bench may know',
}

type Query = { text: string; values?: unknown[] }

async function fill(pool: pg.Pool): Promise<void> {
  // Indexes are created afterwards, which takes a fraction of the time.
  const { rows: indexes } = await pool.query<{ name: string; sql: string }>(
    `SELECT indexname AS name, indexdef AS sql FROM pg_indexes
     WHERE tablename = 'audit_events' AND indexname <> 'audit_events_pkey'`,
  )
  for (const { name } of indexes) await pool.query(`DROP INDEX "${name}"`)
  const actions = SHARES.flatMap(([action, share]) => Array<string>(share).fill(action))
  const apart = `interval '${(DAYS * 86_400) / EVENTS} seconds'`
  for (let first = 0; first < EVENTS; first += BATCH) {
    await pool.query(
      `INSERT INTO audit_events (id, at, action, actor_id, subject_id, ip_address, user_agent, detail)
       SELECT uuidv7(), now() - (${EVENTS} - i) * ${apart}, ($1::text[])[1 + i % 100], account, account,
         '203.0.113.' || i % 251, 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', '{}'
       FROM (SELECT i, ('00000000-0000-0000-0000-' || lpad((i % ${ACCOUNTS})::text, 12, '0'))::uuid AS account
         FROM generate_series(${first}, ${first + BATCH - 1}) i) made`,
      [actions],
    )
  }
  // Of the table, it says only this part; the partitions need theirs too.
  for (const { sql } of indexes) await pool.query(sql.replace(' ON ONLY ', ' ON '))
  await pool.query(
    `INSERT INTO users (id, email, email_canonical, created_at, updated_at)
     SELECT gen_random_uuid(), e, e, now() - i * interval '${(DAYS * 86_400) / ACCOUNTS} seconds', now()
     FROM (SELECT i, i || '@example.com' AS e FROM generate_series(1, ${ACCOUNTS}) i) made`,
  )
  // As autovacuum does in a while.
  await pool.query('VACUUM ANALYZE')
}

/** The queries that a figure sends to the database. */
async function queriesOf(pool: pg.Pool, figure: (typeof FIGURES)[number]): Promise<Query[]> {
  const asked: Query[] = []
  const listening = {
    query: (query: Query | string, values: unknown[] = []) => {
      asked.push(typeof query === 'string' ? { text: query, values } : query)
      return typeof query === 'string' ? pool.query(query, values) : pool.query(query)
    },
  }
  const app = { pool: listening, clock: { now: () => new Date() } } as unknown as App
  const overview = await overviewOf(app, 'LAST_30_DAYS', 'Asia/Seoul')
  asked.length = 0
  await overview[figure]()
  return asked.filter(({ text }) => !text.startsWith('EXPLAIN'))
}

async function explain(pool: pg.Pool, { text, values = [] }: Query): Promise<{ ms: number; index: string }> {
  const { rows } = await pool.query<{ 'QUERY PLAN': string }>(`EXPLAIN (ANALYZE) ${text}`, values)
  const plan = rows.map(row => row['QUERY PLAN']).join('\n')
  const ms = Number(/Execution Time: ([\d.]+) ms/.exec(plan)?.[1])
  return {
    ms,
    index:
      /(?:Index Only Scan|Index Scan|Bitmap Index Scan)[^\n]*? (?:using|on) (\w+)/.exec(plan)?.[1] ?? 'none',
  }
}

const folder = await realpath(await mkdtemp(join(tmpdir(), 'authograph-overview-')))
// For root, the server runs as another user, who must be able to enter.
await chmod(folder, 0o755)
const settings = { fsync: 'off', synchronous_commit: 'off', max_wal_size: '4GB' }
const database = await startEmbedded({ dataDir: folder, log: () => {}, settings })
try {
  const DATABASE_URL = await database.ensureDatabase('overview')
  const env = { PATH: process.env.PATH, ...SETTINGS, DATABASE_URL }
  await promisify(execFile)(process.execPath, [CLI, 'migrate'], { cwd: folder, env })
  const pool = new pg.Pool({ connectionString: DATABASE_URL })
  try {
    await fill(pool)
    for (const figure of FIGURES) {
      for (const query of await queriesOf(pool, figure)) {
        const rounds = []
        for (let round = 0; round < ROUNDS; round++) rounds.push(await explain(pool, query))
        const times = rounds.map(({ ms }) => ms.toFixed(1)).join(', ')
        process.stdout.write(`${figure.padEnd(14)} ${times} ms   ${rounds[0]?.index}\n`)
      }
    }
  } finally {
    await pool.end()
  }
} finally {
  await database.stop()
  for (const each of new Set([folder, dirname(database.dir)]))
    await rm(each, { recursive: true, force: true })
}
