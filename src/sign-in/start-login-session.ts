import { emailOriginOf, securityNotice } from '../accounts/security-notice.ts'
import type { App } from '../app.ts'
import { type AuditEntry, auditColumns, toEvent } from '../audit/record.ts'
import type { RequestInfo } from '../context.ts'
import { statement } from '../database/client.ts'
import { insertSql, toRows } from '../database/insert.ts'
import { type Device, evictDevicesSql, seenDeviceSql, toDeviceRows } from '../devices/device.ts'
import type { User } from '../generated/prisma/client.ts'
import { noticeParameters, noticeSql } from '../mail/notices.ts'
import { grantsColumn, grantsOf } from '../permissions/grants.ts'
import { type SessionWithAccount, sessionColumns } from '../sessions/find-session.ts'
import { newSession } from '../sessions/start.ts'

/**
 * Starts the session only if the account is enabled and still has the password that was verified. The row lock orders
 * this after a concurrent password change or disabling, so that neither leaves a session behind. It also orders
 * concurrent sign-ins, so that the oldest session ends when the account already has SESSIONS_MAX.
 *
 * Notifies the owner if the account has been signed in to before, but never from this device. A dormant account may
 * have no sessions left, so the audit log is checked too; otherwise its takeover would go unnoticed.
 */
const startSession = statement<[grants: string | null]>(
  'login',
  `WITH account AS (
     UPDATE users u SET last_login_at = $3 WHERE u.id = $1 AND u.password_hash = $2 AND u.disabled_at IS NULL
     RETURNING u.session_epoch AS epoch, ${grantsColumn}
   ), room AS MATERIALIZED (
     SELECT epoch, make_room_for_session($1, epoch, $8, $3) AS ended FROM account
   ), crowded AS (SELECT ended FROM room WHERE ended > 0),
   device AS (${seenDeviceSql(6, 'account')}),
   fresh AS (SELECT FROM device WHERE fresh),
   evicted AS (${evictDevicesSql(1, 'fresh')}),
   strange AS (
     SELECT FROM account WHERE (
       EXISTS (SELECT FROM sessions WHERE user_id = $1)
       OR EXISTS (SELECT FROM audit_events WHERE subject_id = $1 AND action = 'session.started')
     ) AND EXISTS (SELECT FROM fresh)
   ), ${noticeSql(10, 'strange')},
   started AS (${insertSql('sessions', sessionColumns, 4, 'room', { epoch: 'room.epoch' })}),
   revoked AS (${insertSql('audit_events', auditColumns, 9, 'crowded', {
     detail: `r.detail || jsonb_build_object('count', crowded.ended)`,
   })}),
   usual AS (SELECT FROM account WHERE NOT EXISTS (SELECT FROM strange)),
   recorded AS (${insertSql('audit_events', auditColumns, 5, 'usual')}),
   recorded_as_new AS (${insertSql('audit_events', auditColumns, 7, 'strange')})
   SELECT grants FROM account`,
)

export type LoginSession = {
  device: Device
  remember: boolean
  deviceName: string | null | undefined
}

/**
 * Starts a session of an account whose password is verified.
 * @returns undefined if the password or the account has changed since it was verified
 */
export async function startLoginSession(
  app: App,
  account: User & { passwordHash: string },
  { device, ...options }: LoginSession,
  request: RequestInfo,
): Promise<SessionWithAccount | undefined> {
  const session = newSession(app, account.id, request, options)
  const now = session.createdAt
  const eventRow = (entry: Pick<AuditEntry, 'action' | 'detail'>) =>
    toRows(auditColumns, toEvent(request, { ...entry, at: now, actorId: account.id, subjectId: account.id }))
  const started = { action: 'session.started', detail: { sessionId: session.id } } as const
  const startedOnNewDevice = { ...started, detail: { ...started.detail, newDevice: true } }
  const evicted = { action: 'session.revoked', detail: { because: 'too many sessions' } } as const
  const notice = securityNotice(app, account, 'new-device', emailOriginOf(app, request))
  const [row] = await startSession(app.pool, [
    account.id,
    account.passwordHash,
    now,
    toRows(sessionColumns, session),
    eventRow(started),
    toDeviceRows(app, account.id, device),
    eventRow(startedOnNewDevice),
    app.config.sessions.max,
    eventRow(evicted),
    ...noticeParameters(app, account, notice),
  ])
  if (!row) return undefined
  return { account: { ...account, ...grantsOf(app, row[0]), lastLoginAt: now }, session }
}
