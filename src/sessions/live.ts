/**
 * When a session is live, in SQL: the one definition that every query shares. `s` is the session and `u` its account.
 *
 * Each account has an epoch, and a session belongs to the epoch in which it started. Raising the account's epoch ends
 * all its sessions in one write, however many there are (see `revokeSessions`); their rows are marked later (see
 * tidy.ts). Nothing may therefore read `revoked_at` alone.
 */

/** Whether the session can be used at the time in parameter `at`, such as `$2`. */
export const isLive = (at: string) =>
  `(s.revoked_at IS NULL AND s.epoch = u.session_epoch AND s.expires_at > ${at} AND u.disabled_at IS NULL)`

/** When a session of an earlier epoch ended: with the first of the endings after it. Never null. */
const endedWithOthersAt = `coalesce(
  (SELECT min(e.at) FROM session_endings e WHERE e.user_id = s.user_id AND e.epoch > s.epoch), s.last_used_at
)`

/** When the session ended, by itself or together with others; null until then. To be selected in place of the column. */
export const revokedAt = `CASE WHEN s.revoked_at IS NOT NULL OR s.epoch = u.session_epoch THEN s.revoked_at
  ELSE ${endedWithOthersAt} END`

/** SQL that marks sessions `s`, selected by `where`, as ended when their epoch ended. */
export const markEnded = (where: string) =>
  `UPDATE sessions s SET revoked_at = ${endedWithOthersAt} WHERE s.revoked_at IS NULL AND ${where}`
