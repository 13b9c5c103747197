import { auditColumns } from '../audit/record.ts'
import { insertSql } from '../database/insert.ts'

/** The most sessions that are counted, as in revoke.ts. */
const COUNTED_MAX = 100_000

const IS_STRONG = `(s.passkey_at IS NOT NULL OR s.key_at IS NOT NULL OR s.totp_at IS NOT NULL
  OR s.recovery_at IS NOT NULL)`

/**
 * SQL of CTEs that end the account's sessions without a second factor. The CTE `account` has just raised the account's
 * epoch and returns it as `epoch`, so the sessions that continue are moved to it: those with a second factor, of which
 * there are at most SESSIONS_MAX, and `kept`, which the caller moves. `userId`, `kept` and `now` are SQL; the audit event
 * is in the JSON parameter `$event`.
 */
export function endWeakerSql(
  account: string,
  { userId, kept, now, event }: { userId: string; kept: string; now: string; event: number },
): string {
  const others = `s.user_id = ${userId} AND s.epoch = a.epoch - 1 AND s.revoked_at IS NULL AND s.id IS DISTINCT FROM ${kept}`
  return `strong AS (
     UPDATE sessions s SET epoch = a.epoch FROM ${account} a WHERE ${others} AND ${IS_STRONG}
   ), weaker AS MATERIALIZED (
     SELECT count(*)::int AS count FROM (
       SELECT FROM sessions s, ${account} a WHERE ${others} AND NOT ${IS_STRONG} AND s.expires_at > ${now}
       LIMIT ${COUNTED_MAX}
     ) each
   ), ending AS (
     INSERT INTO session_endings (user_id, epoch, at) SELECT ${userId}, epoch, ${now} FROM ${account}
   ), some_ended AS (SELECT count FROM weaker WHERE count > 0),
   recorded_end AS (${insertSql('audit_events', auditColumns, event, 'some_ended', {
     detail: `r.detail || jsonb_build_object('count', some_ended.count)`,
   })}),`
}
