import type { App } from '../app.ts'
import { isId } from '../database/client.ts'
import { countUpTo, EXACT_MAX, plannedRows, type Rows, toTwoDigits } from '../database/count.ts'
import { isPosition, keyset, type SortKey } from '../database/keyset.ts'
import { badInput } from '../errors.ts'
import type { AuditEvent } from '../generated/prisma/client.ts'
import { isTime, requireTime } from '../input.ts'
import { canonicalAddress } from '../network/address.ts'
import { connectionOf, type Page, type PageArguments, pageOf } from '../pagination.ts'
import { auditActions } from './actions.ts'
import { auditColumns, toAuditEvent } from './record.ts'

export type AuditSelection = {
  action?: string | null | undefined
  actorId?: string | null | undefined
  subjectId?: string | null | undefined
  ipAddress?: string | null | undefined
  after?: Date | null | undefined
  before?: Date | null | undefined
}

/** The order of the audit log. */
export const AUDIT_KEYS: SortKey<AuditEvent>[] = [
  { column: 'at', type: 'timestamptz', of: event => event.at.toISOString(), isValid: isTime },
  { column: 'id', type: 'uuid', of: event => event.id, isValid: isId },
]

/**
 * A page of the audit log, newest first. Keyset pagination keeps its time independent of the length of the log.
 * @throws AuthError BAD_USER_INPUT
 */
export async function auditPage(app: App, selection: AuditSelection, args: PageArguments) {
  const page = pageOf(args, position => isPosition(AUDIT_KEYS, position))
  const events = toRows(selection)
  const values = [...events.values]
  const { between, by } = auditKeyset(page, values)
  const text = `SELECT ${Object.values(auditColumns)} FROM ${events.from}
    WHERE ${[events.where, ...between].join(' AND ')} ORDER BY ${by()} LIMIT ${page.size + 1}`
  const { rows } = await app.pool.query<unknown[]>({ text, values, rowMode: 'array' })
  const fetched = rows.map(row => toAuditEvent(row))
  return connectionOf(
    page,
    fetched,
    () => countEvents(app, { ...events, orderBy: by() }),
    event => AUDIT_KEYS.map(key => key.of(event)),
  )
}

/**
 * A page of events, the newest first, as SQL (see `keyset`). PostgreSQL compares a time alone with the bounds of
 * partitions, but not a row, so each cursor's time is a condition of its own. Partitions without the page are not read.
 */
export function auditKeyset(page: Page, values: unknown[]) {
  const { between, by } = keyset(AUDIT_KEYS, false, page, values)
  const timeOf = (cursor: string[]) => `$${values.push(cursor.at(-AUDIT_KEYS.length))}::timestamptz`
  if (page.after) between.push(`at <= ${timeOf(page.after)}`)
  if (page.before) between.push(`at >= ${timeOf(page.before)}`)
  return { between, by }
}

/** Exact up to 10,000, beyond that the query planner's estimate to two significant digits. */
async function countEvents({ pool }: App, events: Rows): Promise<number> {
  const count = await countUpTo(pool, events)
  return count > EXACT_MAX ? toTwoDigits(Math.max(count, await plannedRows(pool, events))) : count
}

function toRows({ action, actorId, subjectId, ipAddress, after, before }: AuditSelection): Rows {
  if (action != null && !Object.hasOwn(auditActions, action)) {
    throw badInput({
      'filter.action': [`There is no such action. Actions: ${Object.keys(auditActions).join(', ')}.`],
    })
  }
  const values: unknown[] = []
  const param = (value: unknown) => `$${values.push(value)}`
  const conditions = [
    action != null && `action = ${param(action)}`,
    actorId != null && `actor_id = ${param(requireId('filter.actorId', actorId))}::uuid`,
    subjectId != null && `subject_id = ${param(requireId('filter.subjectId', subjectId))}::uuid`,
    ipAddress != null && `ip_address = ${param(requireAddress('filter.ipAddress', ipAddress))}`,
    after && `at > ${param(requireTime('filter.after', after))}`,
    before && `at < ${param(requireTime('filter.before', before))}`,
  ].filter(condition => typeof condition === 'string')
  return { from: 'audit_events', where: conditions.join(' AND ') || 'true', values }
}

/** In the form in which events have it. */
function requireAddress(field: string, text: string): string {
  const address = canonicalAddress(text.trim())
  // `7` and `010.1` are addresses too, but hardly the ones that were meant.
  if (address === undefined || !/:|^\d+(?:\.\d+){3}$/.test(text.trim())) {
    throw badInput({ [field]: ['This is not an IP address.'] })
  }
  return address
}

function requireId(field: string, id: string): string {
  if (!isId(id)) throw badInput({ [field]: ['This is not a valid ID.'] })
  return id
}
