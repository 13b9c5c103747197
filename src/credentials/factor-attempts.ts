import { emailOriginOf, securityNotice } from '../accounts/security-notice.ts'
import type { App } from '../app.ts'
import { auditColumns, toEvent } from '../audit/record.ts'
import type { RequestInfo } from '../context.ts'
import { statement } from '../database/client.ts'
import { insertSql, toRows } from '../database/insert.ts'
import { type Device, isKnownDevice } from '../devices/device.ts'
import type { User } from '../generated/prisma/client.ts'
import { noticeParameters, noticeSql } from '../mail/notices.ts'
import { hashedSubject } from '../rate-limit/hashed-subject.ts'
import { type Attempt, countAttempt, forgiveAttempts, LimitHit } from '../rate-limit/limit.ts'
import { FAILURES_MAX } from './demand.ts'
import type { AuthMethod } from './proof.ts'

/** The wrong code in a row after which the owner receives an email: someone else may know the password. */
const NOTIFIED_FAILURE = 3

/**
 * Counts an attempt to prove a second factor before anything is checked, over all tickets and sessions of the account.
 * A thief of the password can use up these attempts. A device that the account knows then continues with attempts of
 * its own, so that the owner can still sign in.
 * @throws AuthError RATE_LIMITED
 */
export async function countFactor(
  app: App,
  accountId: string,
  device: Device | undefined,
  request: RequestInfo,
): Promise<void> {
  try {
    await countAttempt(app, [accountAttempt(accountId)], request)
  } catch (error) {
    if (!(error instanceof LimitHit) || !device || !(await isKnownDevice(app, accountId, device))) throw error
    await countAttempt(app, [deviceAttempt(app, device)], request)
  }
}

/** Resets the attempts after a second factor was proved. */
export async function forgiveFactor(app: App, accountId: string, device: Device | undefined): Promise<void> {
  await forgiveAttempts(app, [accountAttempt(accountId), ...(device ? [deviceAttempt(app, device)] : [])])
}

function accountAttempt(accountId: string): Attempt {
  return { rule: 'factor.account', subject: accountId }
}

function deviceAttempt(app: App, device: Device): Attempt {
  return { rule: 'factor.device', subject: hashedSubject(app, device.secretHash) }
}

/** Counts the failure, records it, and notifies the owner at the third in a row. */
const recordFailure = statement(
  'factor-failed',
  `WITH failed AS (
     UPDATE users SET factor_failures = factor_failures + 1 WHERE id = $1 RETURNING factor_failures AS failures
   ), third AS (SELECT FROM failed WHERE failures = ${NOTIFIED_FAILURE}),
   last AS (SELECT FROM failed WHERE failures = ${FAILURES_MAX}),
   ${noticeSql(4, 'third')},
   suspended AS (${insertSql('audit_events', auditColumns, 3, 'last')})
   ${insertSql('audit_events', auditColumns, 2, 'failed')}`,
)

/** Records a wrong code of a second factor. */
export async function recordWrongFactor(
  app: App,
  account: User,
  method: AuthMethod,
  request: RequestInfo,
): Promise<void> {
  const subject = { at: app.clock.now(), subjectId: account.id }
  const denied = toEvent(request, { ...subject, action: 'factor.denied', detail: { method } })
  const suspended = toEvent(request, { ...subject, action: 'factor.suspended', detail: { method: 'TOTP' } })
  const notice = securityNotice(app, account, 'wrong-codes', emailOriginOf(app, request))
  await recordFailure(app.pool, [
    account.id,
    toRows(auditColumns, denied),
    toRows(auditColumns, suspended),
    ...noticeParameters(app, account, notice),
  ])
}
