import type { App } from '../app.ts'
import type { AuditAction } from '../audit/actions.ts'
import { AUDIT_KEYS, auditKeyset } from '../audit/query.ts'
import { auditColumns, toAuditEvent } from '../audit/record.ts'
import { isPosition } from '../database/keyset.ts'
import type { AuditEvent, Session } from '../generated/prisma/client.ts'
import { deviceNameOf } from '../network/device-name.ts'
import { connectionOf, type PageArguments, pageOf } from '../pagination.ts'
import { liveSessions } from '../sessions/list-sessions.ts'

/** Events about an account that say nothing about its security. All others are shown, also those added later. */
const LEFT_OUT: AuditAction[] = [
  'user.profile_updated',
  'user.verification_requested',
  'session.refresh_ahead',
  'mail.failed',
  'mail.retried',
]

export type ActivityActor = 'OWNER' | 'ADMINISTRATOR' | 'UNKNOWN'

/** An event as its owner sees it: without details, and without where another person acted from. */
export type Activity = {
  id: string
  at: Date
  action: string
  actor: ActivityActor
  ipAddress: string | null
  userAgent: string | null
  deviceName: string | null
  /** The session that the event names, while it is live. */
  session: Session | undefined
}

/**
 * A page of the events about an account that concern its security, newest first. One index has them in order, with their
 * actions, so that events that are left out are skipped without being read.
 * @throws AuthError BAD_USER_INPUT
 */
export async function securityActivityPage(app: App, userId: string, args: PageArguments) {
  const page = pageOf(args, position => isPosition(AUDIT_KEYS, position))
  const values: unknown[] = [userId, LEFT_OUT]
  const { between, by } = auditKeyset(page, values)
  const where = ['subject_id = $1::uuid', 'action <> ALL ($2::text[])', ...between].join(' AND ')
  const keys = `SELECT at, id FROM audit_events WHERE ${where} ORDER BY ${by()} LIMIT ${page.size + 1}`
  // The times tell the partitions apart.
  const text = `WITH page AS MATERIALIZED (${keys})
    SELECT ${Object.values(auditColumns)} FROM audit_events
    WHERE id = ANY (ARRAY(SELECT id FROM page))
      AND at BETWEEN (SELECT min(at) FROM page) AND (SELECT max(at) FROM page) ORDER BY ${by()}`
  const { rows } = await app.pool.query<unknown[]>({ text, values, rowMode: 'array' })
  const live = new Map((await liveSessions(app, userId)).map(session => [session.id, session]))
  const events = rows.map(row => toAuditEvent(row))
  const { edges, pageInfo } = connectionOf(
    page,
    events,
    () => Promise.resolve(events.length),
    event => AUDIT_KEYS.map(key => key.of(event)),
  )
  const shown = edges.map(({ cursor, node }) => ({ cursor, node: shownTo(userId, node, live) }))
  return { edges: shown, nodes: shown.map(({ node }) => node), pageInfo }
}

function shownTo(
  userId: string,
  { id, at, action, actorId, ipAddress, userAgent, detail }: AuditEvent,
  live: ReadonlyMap<string, Session>,
): Activity {
  const actor = actorId === null ? 'UNKNOWN' : actorId === userId ? 'OWNER' : 'ADMINISTRATOR'
  const { sessionId = '' } = (detail ?? {}) as { sessionId?: string }
  const origin = actor === 'ADMINISTRATOR' ? { ipAddress: null, userAgent: null } : { ipAddress, userAgent }
  const deviceName = deviceNameOf(origin.userAgent) ?? null
  return { id, at, action, actor, ...origin, deviceName, session: live.get(sessionId) }
}
