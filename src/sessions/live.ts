import type { SessionWithAccount } from './find-session.ts'

/**
 * Defines in SQL when a session is live. All queries share this definition; `s` is the session and `u` its account.
 *
 * Each account has an epoch, and a session belongs to the epoch in which it started. Raising the account's epoch ends
 * all its sessions in one write, regardless of their number (see `revokeSessions`); tidy.ts marks their rows later.
 * Therefore `revoked_at` alone does not tell whether a session has ended.
 */

/** Whether the session is live at the time in the parameter `at`, such as `$2`. */
export const isLive = (at: string) =>
  `(s.revoked_at IS NULL AND s.epoch = u.session_epoch AND s.expires_at > ${at} AND u.disabled_at IS NULL)`

/** When a session of an earlier epoch ended: at the first ending after its epoch. Never null. */
const endedWithOthersAt = `coalesce(
  (SELECT min(e.at) FROM session_endings e WHERE e.user_id = s.user_id AND e.epoch > s.epoch), s.last_used_at
)`

/** When the session ended, alone or together with others; null while it has not. Select it instead of `revoked_at`. */
export const revokedAt = `CASE WHEN s.revoked_at IS NOT NULL OR s.epoch = u.session_epoch THEN s.revoked_at
  ELSE ${endedWithOthersAt} END`

/** SQL that marks sessions `s`, selected by `where`, as ended when their epoch ended. */
export const markEnded = (where: string) =>
  `UPDATE sessions s SET revoked_at = ${endedWithOthersAt} WHERE s.revoked_at IS NULL AND ${where}`

/** Why the session has ended, or undefined while it is live. */
export function endReasonOf(
  { session, account }: SessionWithAccount,
  now: Date,
): 'REVOKED' | 'EXPIRED' | undefined {
  if (session.revokedAt || account.disabledAt) return 'REVOKED'
  return session.expiresAt <= now ? 'EXPIRED' : undefined
}
