import type { App } from '../app.ts'
import type { Queryable } from '../database/client.ts'
import { insertSql, toRows } from '../database/insert.ts'
import type { User } from '../generated/prisma/client.ts'
import { mailColumns, type NewMail, toMails } from './outbox.ts'

/** The account that a notice is about. */
export type NoticeRecipient = Pick<User, 'id' | 'email' | 'emailVerifiedAt'>

/**
 * SQL of two CTEs that write the notice in the parameters from `$first` on (see `noticeParameters`), for a row of the
 * CTE `guard`: counts it and, while the account's quota lasts, puts it into the outbox. The row lock of the quota
 * orders notices that several replicas write at the same time, so none exceeds it.
 */
export function noticeSql(first: number, guard?: string): string {
  const window = `make_interval(secs => $${first + 2}::int)`
  const isOver = `quota.window_ends_at <= excluded.window_ends_at - ${window}`
  return `counted AS (
    INSERT INTO notice_quotas AS quota (user_id, template, count, window_ends_at)
    SELECT m.user_id, m.template, 1, m.created_at + ${window}
    FROM ${guard ? `${guard}, ` : ''}jsonb_populate_recordset(NULL::mails, $${first}::jsonb) m
    ON CONFLICT (user_id, template) DO UPDATE SET
      count = CASE WHEN ${isOver} THEN 1 ELSE quota.count + 1 END,
      window_ends_at = CASE WHEN ${isOver} THEN excluded.window_ends_at ELSE quota.window_ends_at END
    WHERE ${isOver} OR quota.count < $${first + 1}::int
    RETURNING user_id
  ), noticed AS (${insertSql('mails', mailColumns, first, 'counted')})`
}

/**
 * The parameters of `noticeSql`. The row is empty, and nothing is counted, where the server sends no email or the
 * account's address was never verified: anyone can register a stranger's address, and must not reach it by notices.
 */
export function noticeParameters(
  app: App,
  account: NoticeRecipient,
  notice: NewMail,
): [rows: string, attempts: number, windowSeconds: number] {
  const mails = account.emailVerifiedAt ? toMails(app, { ...notice, userId: account.id }) : []
  const { attempts, windowSeconds } = app.config.mail.noticeLimit
  return [toRows(mailColumns, ...mails), attempts, windowSeconds]
}

const write = `WITH ${noticeSql(1)} SELECT`

/**
 * Puts a notice into the outbox, in the caller's transaction, if the account's address is verified and its quota for
 * notices of this kind is not used up (`LIMIT_NOTICE_ACCOUNT`). Call it last: it locks the quota.
 */
export async function queueNotice(
  app: App,
  tx: Queryable,
  account: NoticeRecipient,
  notice: NewMail,
): Promise<void> {
  await tx.$executeRawUnsafe(write, ...noticeParameters(app, account, notice))
}

/** Deletes the quotas of an account that is deleted, in the caller's transaction. */
export async function forgetNotices(tx: Queryable, userId: string): Promise<void> {
  await tx.noticeQuota.deleteMany({ where: { userId } })
}
