import type { RequestInfo } from '../context.ts'
import { type Queryable, recordReader } from '../database/client.ts'
import { newId } from '../database/new-id.ts'
import type { AuditEvent, Prisma } from '../generated/prisma/client.ts'
import type { AuditAction } from './actions.ts'

export type AuditEntry = {
  action: AuditAction
  at: Date
  /** The account that caused the event; absent for the system or an unknown caller. */
  actorId?: string | undefined
  /** The account that the event concerns. */
  subjectId?: string | undefined
  /** Must not contain secrets. */
  detail?: Prisma.InputJsonObject | undefined
}

/** Where a request came from, as recorded with an event. */
export type EventOrigin = Pick<RequestInfo, 'ipAddress' | 'userAgent' | 'impersonatorId' | 'apiKeyId'>

/** For commands and background tasks. */
export const NO_REQUEST: EventOrigin = { ipAddress: undefined, userAgent: undefined }

export const auditColumns = {
  id: 'id',
  at: 'at',
  action: 'action',
  actorId: 'actor_id',
  subjectId: 'subject_id',
  ipAddress: 'ip_address',
  userAgent: 'user_agent',
  detail: 'detail',
} as const satisfies Record<keyof AuditEvent, string>

const readEvent = recordReader<AuditEvent>(Object.keys(auditColumns))

/** Reads an event from a row whose columns are `auditColumns`. */
export function toAuditEvent(row: unknown[]): AuditEvent {
  return readEvent(row, 0)
}

/**
 * The row of an entry. If an administrator acted as the account, the administrator is the actor, and the detail has the
 * account. If the account's API key did it, the detail has the key.
 */
export function toEvent(origin: EventOrigin, entry: AuditEntry) {
  const { impersonatorId, apiKeyId } = origin
  if (impersonatorId !== undefined && entry.actorId !== undefined && entry.actorId !== impersonatorId) {
    const detail = { ...entry.detail, impersonatedId: entry.actorId }
    return toEvent({ ...origin, impersonatorId: undefined }, { ...entry, actorId: impersonatorId, detail })
  }
  return {
    id: newId(),
    at: entry.at,
    action: entry.action,
    actorId: entry.actorId ?? null,
    subjectId: entry.subjectId ?? null,
    ipAddress: origin.ipAddress ?? null,
    userAgent: origin.userAgent ?? null,
    detail:
      apiKeyId !== undefined && entry.actorId
        ? { ...entry.detail, viaApiKeyId: apiKeyId }
        : (entry.detail ?? {}),
  }
}

/** Writes events in the caller's transaction, so that an event is recorded if and only if it happened. */
export async function record(tx: Queryable, origin: EventOrigin, ...entries: AuditEntry[]): Promise<void> {
  if (entries.length === 0) return
  await tx.auditEvent.createMany({ data: entries.map(entry => toEvent(origin, entry)) })
}
