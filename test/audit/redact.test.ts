import { randomUUID } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { redactDeletedAccounts, requestErasure } from '../../src/audit/redact.ts'
import { patiently } from '../support/patient.ts'
import { startApp } from '../support/service.ts'

const EVENTS = 6000

test('redaction continues where it stopped, so a later batch reads no more rows than an early one', async () => {
  // With one connection, the statistics are complete as soon as it has reported them.
  const { app, close } = await startApp({ DATABASE_POOL_SIZE: '1' })
  try {
    const subjectId = randomUUID()
    await patiently(
      app,
      `INSERT INTO audit_events (id, at, action, subject_id, ip_address, detail)
       SELECT gen_random_uuid(), now() - make_interval(secs => n), 'session.denied', $1, '192.0.2.1', '{}'
       FROM generate_series(1, ${EVENTS}) n`,
      [subjectId],
    )
    await patiently(app, 'ANALYZE audit_events')
    await requestErasure(app.db, app.clock.now(), [subjectId])
    const reads: number[] = []
    while ((await app.db.erasure.count()) > 0) {
      const before = await rowsRead()
      await redactDeletedAccounts(app, 1)
      reads.push((await rowsRead()) - before)
      expect(reads.length).toBeLessThan(EVENTS)
    }
    expect(await app.db.auditEvent.count({ where: { ipAddress: { not: null } } })).toBe(0)
    expect(reads.length).toBeGreaterThan(5)
    expect(Math.max(...reads)).toBeLessThan(EVENTS / 2)
  } finally {
    await close()
  }

  async function rowsRead(): Promise<number> {
    await app.pool.query('SELECT pg_stat_force_next_flush()')
    const { rows } = await app.pool.query<{ count: number }>(
      `SELECT sum(seq_tup_read + idx_tup_fetch)::int AS count FROM pg_stat_user_tables WHERE relname LIKE 'audit_events%'`,
    )
    return rows[0]?.count ?? 0
  }
})
