import type { App } from '../app.ts'
import { inTransaction, statement } from '../database/client.ts'
import { insertSql, toRows } from '../database/insert.ts'
import { auditColumns, NO_REQUEST, toEvent } from './record.ts'

/** PostgreSQL's code for a lock that another session holds. */
const LOCK_NOT_AVAILABLE = '55P03'

const create = statement<[created: number]>('audit-partitions-create', 'SELECT create_audit_partitions()')

/**
 * Creates the partitions of the audit log for this month and the next three, where they are missing. If that fails, the
 * events of a month without a partition go to the default one, so callers get no error.
 */
export async function createAuditPartitions({ pool, log }: App): Promise<void> {
  try {
    await create(pool, [])
  } catch (error) {
    log.warn(
      { err: error },
      'could not create the next partitions of the audit log; a background task retries',
    )
  }
}

const takeTurn = statement<[mine: boolean]>('audit-partition-turn', 'SELECT pg_try_advisory_xact_lock($1)')

const drop = statement<[name: string, events: number]>(
  'audit-partition-drop',
  'SELECT dropped, events::float8 FROM drop_audit_partition($1)',
)

const insertEvent = statement('audit-partition-dropped', insertSql('audit_events', auditColumns, 1))

/**
 * Drops the partitions of the audit log in which every event is older than `before`, each in a transaction that records it,
 * and returns the approximate number of their events. Sign-ins wait behind a lock on the audit log, so it waits at most
 * 0.3 s for one; the next run tries again.
 *
 * @param turn the advisory lock of pruning, so that only one replica drops partitions
 */
export async function dropAuditPartitions(app: App, before: Date, turn: number): Promise<number> {
  let events = 0
  for (;;) {
    const dropped = await dropOldest(app, before, turn)
    if (dropped === undefined) return events
    events += dropped
  }
}

async function dropOldest({ pool, clock }: App, before: Date, turn: number): Promise<number | undefined> {
  try {
    return await inTransaction(pool, async connection => {
      const [[mine] = [false]] = await takeTurn(connection, [turn])
      if (!mine) return undefined
      const [oldest] = await drop(connection, [before])
      if (!oldest) return undefined
      const [partition, events] = oldest
      const detail = { before: before.toISOString(), partition, events }
      const event = toEvent(NO_REQUEST, { action: 'audit.pruned', at: clock.now(), detail })
      await insertEvent(connection, [toRows(auditColumns, event)])
      return events
    })
  } catch (error) {
    if ((error as { code?: string }).code === LOCK_NOT_AVAILABLE) return undefined
    throw error
  }
}
