import pg from 'pg'
import type { App } from '../../app.ts'
import type { AuditAction } from '../../audit/actions.ts'
import { countUpTo } from '../../database/count.ts'
import { countPerInterval, type TimedRows } from '../../database/intervals.ts'
import { badInput } from '../../errors.ts'
import { countUsers } from '../users/user-count.ts'
import { conditionsOf } from '../users/user-filter.ts'

export const OverviewPeriod = { LAST_24_HOURS: 'LAST_24_HOURS', LAST_30_DAYS: 'LAST_30_DAYS' } as const
export type OverviewPeriod = keyof typeof OverviewPeriod

/** PostgreSQL's code for a time zone that it doesn't know. */
const INVALID_PARAMETER_VALUE = '22023'

/** Intervals of an hour or a day in a time zone: SQL for their bounds from the time $1 and the zone $2. */
const BOUNDS = {
  LAST_24_HOURS: `date_trunc('hour', $1::timestamptz, $2) + make_interval(hours => i) FROM generate_series(-23, 1) i`,
  // Days of 23 and 25 hours included.
  LAST_30_DAYS: `(date_trunc('day', $1::timestamptz AT TIME ZONE $2) + make_interval(days => i)) AT TIME ZONE $2
    FROM generate_series(-29, 1) i`,
} as const satisfies Record<OverviewPeriod, string>

/**
 * What happened on this server in each hour of the last 24 or on each of the last 30 days. The last interval is not over.
 * Every figure is one query that runs only if the client selects it, and one after the other, so that the requests of
 * others find connections.
 * @throws AuthError BAD_USER_INPUT for an unknown time zone
 */
export async function overviewOf(app: App, period: OverviewPeriod, timeZone: string) {
  const bounds = await boundsOf(app, period, timeZone)
  const inTurn = oneAfterTheOther()
  const perInterval = (rows: TimedRows) => () => inTurn(() => countPerInterval(app.pool, rows, bounds))
  return {
    startsAt: bounds.slice(0, -1),
    signIns: perInterval(events('session.started')),
    failures: perInterval(events('session.denied')),
    limitsHit: perInterval(events('limit.hit')),
    emailsFailed: perInterval(events('mail.failed')),
    newPeople: perInterval({ from: 'users', time: 'created_at', where: 'true', values: [] }),
    people: () => inTurn(() => countUsers(app.pool, conditionsOf(app, {}))),
    emailsQueued: () =>
      inTurn(() => countUpTo(app.pool, { from: 'mails', where: `status = 'queued'`, values: [] })),
  }
}

function events(action: AuditAction): TimedRows {
  return { from: 'audit_events', time: 'at', where: 'action = $1', values: [action] }
}

async function boundsOf({ pool, clock }: App, period: OverviewPeriod, timeZone: string): Promise<Date[]> {
  requireTimeZone(timeZone)
  try {
    const { rows } = await pool.query<[Date]>({
      text: `SELECT ${BOUNDS[period]} ORDER BY i`,
      values: [clock.now(), timeZone],
      rowMode: 'array',
    })
    return rows.map(([bound]) => bound)
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.code === INVALID_PARAMETER_VALUE) throw unknownZone()
    throw error
  }
}

/** Only names: PostgreSQL reads `+09:00` the other way round, west of Greenwich. */
function requireTimeZone(timeZone: string): void {
  try {
    if (!/^[A-Za-z]/.test(timeZone)) throw unknownZone()
    new Intl.DateTimeFormat('en', { timeZone })
  } catch {
    throw unknownZone()
  }
}

function unknownZone() {
  return badInput({ timeZone: ['There is no such time zone. Use a name such as Asia/Seoul or UTC.'] })
}

/** Runs tasks one after the other. */
function oneAfterTheOther() {
  let last: Promise<unknown> = Promise.resolve()
  return <Result>(task: () => Promise<Result>): Promise<Result> => {
    const result = last.then(task)
    last = result.catch(() => {})
    return result
  }
}
