import { randomUUID } from 'node:crypto'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import pg from 'pg'
import { createAuditPartitions } from '../../src/audit/partitions.ts'
import { auditColumns } from '../../src/audit/record.ts'
import { checkAuditLog } from '../../src/cli/audit-checks.ts'
import type { DatabaseContext } from '../../src/cli/finding.ts'
import { insertSql } from '../../src/database/insert.ts'
import { migrate } from '../../src/database/migrate.ts'
import { MIGRATIONS, migrationNames } from '../../src/database/migrations.ts'
import { prune } from '../../src/maintenance/prune.ts'
import { signUpWith } from '../support/actors.ts'
import { migrationsAtHand } from '../support/migrations.ts'
import { AuditLog } from '../support/operations.ts'
import { whileHolding } from '../support/race.ts'
import { startApp, useService } from '../support/service.ts'

const DAY = 86_400
const FIRST_OF_THESE = '20261126040000'
const service = useService()

describe('the migration to partitions', () => {
  const EVENTS = 20_000

  /** A database as version 0.8.0 leaves it, with events. */
  async function before() {
    const atHand = await migrationsAtHand()
    const names = await migrationNames(MIGRATIONS)
    const copy = (name: string) => cp(join(MIGRATIONS, name), join(atHand.folder, name), { recursive: true })
    await Promise.all(names.filter(name => name < FIRST_OF_THESE).map(copy))
    await migrate(atHand.pool, atHand.folder)
    await atHand.pool.query(
      `INSERT INTO audit_events (id, at, action, subject_id)
       SELECT gen_random_uuid(), now() - n * interval '1 hour', 'session.denied', gen_random_uuid()
       FROM generate_series(1, ${EVENTS}) n`,
    )
    await atHand.pool.query(
      `GRANT SELECT ON audit_events TO PUBLIC;
       GRANT EXECUTE ON FUNCTION prune_audit_events TO pg_read_all_settings`,
    )
    const [first = '', ...rest] = names.filter(name => name >= FIRST_OF_THESE)
    await copy(first)
    return { ...atHand, addTheRest: () => Promise.all(rest.map(copy)) }
  }

  /** Repeats a prepared statement, as running replicas do. It fails if it waits for a lock for two seconds. */
  async function repeat(url: string, text: string, values: () => unknown[]) {
    const client = new pg.Client({ connectionString: url, lock_timeout: 2000 })
    await client.connect()
    let [goesOn, times] = [true, 0]
    const running = (async () => {
      for (; goesOn; times++) await client.query({ name: 'prepared', text, values: values() })
      return times
    })().finally(() => client.end())
    // Awaited by the test, which until then has other things to do.
    running.catch(() => {})
    return () => {
      goesOn = false
      return running
    }
  }

  test('reads and writes never wait for two seconds, and a migration that is killed is completed by the next start', async () => {
    const { pool, folder, url, addTheRest, release } = await before()
    const event = () => [
      JSON.stringify([{ id: randomUUID(), at: new Date(), action: 'session.started', detail: {} }]),
    ]
    const stopWriting = await repeat(url, insertSql('audit_events', auditColumns, 1), event)
    const stopReading = await repeat(
      url,
      'SELECT * FROM audit_events ORDER BY at DESC, id DESC LIMIT 20',
      () => [],
    )
    const other = new pg.Client(url)
    await other.connect()
    try {
      const [{ file } = {}] = (await pool.query(`SELECT pg_relation_filenode('audit_events') AS file`)).rows

      // Killed while it creates the index.
      await other.query(
        `BEGIN; INSERT INTO audit_events (id, at, action) SELECT gen_random_uuid(), now(), 'x'`,
      )
      const killed = migrate(pool, folder).catch((error: unknown) => error)
      const indexing = `FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
        AND query LIKE 'CREATE UNIQUE INDEX CONCURRENTLY%'`
      while ((await pool.query(`SELECT ${indexing}`)).rowCount === 0);
      await pool.query(`SELECT pg_terminate_backend(pid) ${indexing}`)
      expect(await killed).toBeInstanceOf(Error)
      await other.query('COMMIT')
      await migrate(pool, folder)
      await addTheRest()

      // Killed while it waits for a lock on the table.
      await other.query('BEGIN; SELECT FROM audit_events LIMIT 1')
      const abort = new AbortController()
      const blocked: string[] = []
      const onBlocked = ({ migration }: { migration: string }) => {
        if (blocked.push(migration) === 2) abort.abort(new Error('SIGTERM'))
      }
      await expect(migrate(pool, folder, { onBlocked, aborted: abort.signal })).rejects.toThrow()
      expect(blocked[1]).toMatch(/_audit_event_bound$/)
      await other.query('COMMIT')

      await migrate(pool, folder)
      expect(await migrate(pool, folder)).toEqual([])
      const { rows } = await pool.query(
        `SELECT pg_relation_filenode('audit_events_first') AS file, relkind AS kind, checks.count AS checks,
           (SELECT count(*)::int FROM pg_index WHERE indrelid = 'audit_events_first'::regclass AND indisvalid) AS indexes,
           (SELECT count(*)::int FROM pg_inherits p JOIN pg_index i ON i.indexrelid = p.inhrelid
              WHERE i.indrelid = 'audit_events_first'::regclass) AS attached,
           has_table_privilege('pg_read_all_settings', 'audit_events', 'SELECT') AS readable,
           has_table_privilege('pg_read_all_settings', 'audit_events', 'INSERT') AS writable,
           has_function_privilege('pg_read_all_settings', 'drop_audit_partition(timestamptz)', 'EXECUTE') AS droppable
         FROM pg_class, (SELECT count(*)::int FROM pg_constraint
           WHERE conrelid = 'audit_events_first'::regclass AND contype = 'c') checks
         WHERE oid = 'audit_events'::regclass`,
      )
      // The same file: nothing was rewritten.
      expect(rows).toEqual([
        {
          file,
          kind: 'p',
          checks: 0,
          indexes: 6,
          attached: 6,
          readable: true,
          writable: false,
          droppable: true,
        },
      ])
      const [written, read] = await Promise.all([stopWriting(), stopReading()])
      expect(read).toBeGreaterThan(0)
      const { rows: counts } = await pool.query<{ count: number }>('SELECT count(*)::int FROM audit_events')
      expect(counts[0]?.count).toBe(EVENTS + 1 + written)
      // Of the months ahead, those after the first partition.
      const { rows: ahead } = await pool.query(
        `SELECT bool_and(has_audit_partition(now() + n * interval '28 days')) AS all FROM generate_series(0, 3) n`,
      )
      expect(ahead).toEqual([{ all: true }])
    } finally {
      await Promise.allSettled([stopWriting(), stopReading(), other.end()])
      await release()
    }
  })
})

/** Inserts an event at each time, and returns their IDs in the same order. */
async function insert(pool: pg.Pool, subjectId: string, times: Date[]): Promise<string[]> {
  const ids = times.map(() => randomUUID())
  await pool.query(
    `INSERT INTO audit_events (id, at, action, subject_id)
     SELECT id, at, 'session.denied', $3 FROM unnest($1::uuid[], $2::timestamptz[]) e (id, at)`,
    [ids, times, subjectId],
  )
  return ids
}

test('pages of the audit log continue across partitions in both directions', async () => {
  const { accessToken: token } = await signUpWith(service, 'support')
  const subjectId = randomUUID()
  // Before the first partition of a month, in this month and the next ones, and after the last.
  const days = [-800, -400, -70, -40, 0, 30, 60, 900]
  const times = days.map(day => new Date(Date.now() + day * DAY * 1000))
  const newestFirst = (await insert(service.app.pool, subjectId, times)).reverse()
  const page = async (variables: object) => {
    const { data } = await service.send(AuditLog, { filter: { subjectId }, ...variables }, { token })
    const { nodes, pageInfo } = data!.auditLog
    return { ids: nodes.map(({ id }) => id), pageInfo }
  }
  const one = await page({ first: 3 })
  const two = await page({ first: 3, after: one.pageInfo.endCursor })
  const three = await page({ first: 3, after: two.pageInfo.endCursor })
  expect([...one.ids, ...two.ids, ...three.ids]).toEqual(newestFirst)
  const back = await page({ last: 3, before: three.pageInfo.startCursor })
  expect(back.ids).toEqual(two.ids)
})

test('partitions for this month and the next three exist, and replicas that create them at the same time create each once', async () => {
  const { app, logged, close } = await startApp({})
  const ahead = async () => {
    const { rows } = await app.pool.query<{ name: string }>(
      `SELECT part::text AS name FROM audit_partitions() WHERE starts_at IS NOT NULL ORDER BY starts_at`,
    )
    return rows.map(({ name }) => name)
  }
  try {
    const names = await ahead()
    const now = new Date()
    const month = (later: number) =>
      new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + later)).toISOString().slice(0, 7)
    expect(names).toEqual([0, 1, 2, 3].map(later => `audit_events_${month(later).replace('-', '_')}`))
    await app.pool.query(`DROP TABLE ${names[1]}, ${names[2]}, ${names[3]}`)
    const check = () => checkAuditLog({ pool: app.pool } as DatabaseContext)
    expect(await check()).toMatchObject([
      { status: 'warn', message: 'The audit log has no partition for this month or the next.' },
    ])
    await Promise.all(Array.from({ length: 4 }, () => createAuditPartitions(app)))
    expect(await ahead()).toEqual(names)
    expect(await check()).toMatchObject([{ status: 'ok' }])
    await insert(app.pool, randomUUID(), [new Date(Date.now() + 900 * DAY * 1000)])
    expect(await check()).toMatchObject([
      { status: 'warn', message: '1 audit events are in none of the monthly partitions.' },
    ])
    expect(logged).toEqual([])
  } finally {
    await close()
  }
})

test('a partition is dropped when all its events are older than AUDIT_RETENTION, on record, and never while someone reads it', async () => {
  const { app, close } = await startApp({ AUDIT_RETENTION: '400d' })
  const { pool, config } = app
  const months = ['2020-01-01Z', '2020-02-01Z', '2020-03-01Z']
  const exists = async (name: string) =>
    (await pool.query(`SELECT to_regclass($1) IS NOT NULL AS exists`, [name])).rows[0]?.exists
  try {
    await pool.query('DROP TABLE audit_events_first')
    for (const [index, name] of ['audit_events_2020_01', 'audit_events_2020_02'].entries()) {
      await pool.query(
        `CREATE TABLE ${name} PARTITION OF audit_events FOR VALUES FROM ('${months[index]}') TO ('${months[index + 1]}')`,
      )
    }
    const times = [
      '2020-01-31T23:59:59Z',
      '2020-02-01T00:00:00Z',
      '2020-02-02T00:00:00Z',
      '2020-05-01T00:00:00Z',
    ]
    const old = times.map(time => new Date(time))
    const kept = new Date(Date.now() - 399 * DAY * 1000)
    await insert(pool, randomUUID(), [...old, kept])

    // Someone reads one of them: its events are deleted one by one, without waiting.
    await whileHolding(config.database.url!, 'SELECT FROM audit_events_2020_01', async () => {
      expect((await prune(app)).deleted).toMatchObject({ 'audit events': 4 })
    })
    expect(await exists('audit_events_2020_01')).toBe(true)

    await insert(pool, randomUUID(), old.slice(0, 3))
    expect((await prune(app)).deleted).toMatchObject({ 'audit events': 3 })
    expect([await exists('audit_events_2020_01'), await exists('audit_events_2020_02')]).toEqual([
      false,
      false,
    ])
    const left = await app.db.auditEvent.findMany({ orderBy: { at: 'asc' } })
    expect(left.map(({ action, detail }) => [action, (detail as { partition?: string })?.partition])).toEqual(
      [
        ['session.denied', undefined],
        ['audit.pruned', undefined],
        ['audit.pruned', 'audit_events_2020_01'],
        ['audit.pruned', 'audit_events_2020_02'],
      ],
    )
    // Whatever it is asked, the database spares what the last day is in.
    await pool.query(`SELECT drop_audit_partition(now() + interval '10 years') FROM generate_series(1, 3)`)
    expect(await app.db.auditEvent.count()).toBe(4)
    await expect(pool.query('TRUNCATE audit_events_default')).rejects.toThrow('append-only')
  } finally {
    await close()
  }
})
