import type { App } from '../app.ts'
import type { Queryable } from '../database/client.ts'
import { insertSql, toRows } from '../database/insert.ts'
import type { User } from '../generated/prisma/client.ts'
import { mailColumns, type NewMail, toMails } from './outbox.ts'

/** The account to notify. */
export type NoticeRecipient = Pick<User, 'id' | 'email' | 'emailVerifiedAt'>

/**
 * SQL of two CTEs that queue a notice if the CTE `guard` has a row. The notice is in the parameters from `$first` on (see
 * `noticeParameters`); `prefix` tells the CTEs of several notices apart. The first CTE counts the notice, and the second adds it to the outbox unless the account's quota
 * is used up. The row lock on the quota serializes replicas, so that concurrent notices can't exceed it.
 */
export function noticeSql(first: number, guard?: string, prefix = ''): string {
  const window = `make_interval(secs => $${first + 2}::int)`
  const isOver = `quota.window_ends_at <= excluded.window_ends_at - ${window}`
  return `${prefix}counted AS (
    INSERT INTO notice_quotas AS quota (user_id, template, count, window_ends_at)
    SELECT m.user_id, m.template, 1, m.created_at + ${window}
    FROM ${guard ? `${guard}, ` : ''}jsonb_populate_recordset(NULL::mails, $${first}::jsonb) m
    ON CONFLICT (user_id, template) DO UPDATE SET
      count = CASE WHEN ${isOver} THEN 1 ELSE quota.count + 1 END,
      window_ends_at = CASE WHEN ${isOver} THEN excluded.window_ends_at ELSE quota.window_ends_at END
    WHERE ${isOver} OR quota.count < $${first + 1}::int
    RETURNING user_id
  ), ${prefix}noticed AS (${insertSql('mails', mailColumns, first, `${prefix}counted`)})`
}

/**
 * The parameters of `noticeSql`. If the server sends no email or the account's address is unverified, there is no row,
 * and nothing is counted: anyone can register a stranger's address, and notices must not reach that stranger.
 */
export function noticeParameters(
  app: App,
  account: NoticeRecipient,
  notice: NewMail,
): [rows: string, attempts: number, windowSeconds: number] {
  const emails = account.emailVerifiedAt ? toMails(app, { ...notice, userId: account.id }) : []
  const { attempts, windowSeconds } = app.config.mail.noticeLimit
  return [toRows(mailColumns, ...emails), attempts, windowSeconds]
}

const write = `WITH ${noticeSql(1)} SELECT`

/**
 * Adds a notice to the outbox in the caller's transaction, if the account's address is verified and its quota for this
 * kind of notice (`LIMIT_NOTICE_ACCOUNT`) is not used up. Call it last: it locks the quota.
 */
export async function queueNotice(
  app: App,
  tx: Queryable,
  account: NoticeRecipient,
  notice: NewMail,
): Promise<void> {
  await tx.$executeRawUnsafe(write, ...noticeParameters(app, account, notice))
}

/** Deletes the notice quotas of an account, in the caller's transaction. */
export async function forgetNotices(tx: Queryable, userId: string): Promise<void> {
  await tx.noticeQuota.deleteMany({ where: { userId } })
}
