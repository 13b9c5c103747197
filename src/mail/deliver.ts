import pLimit from 'p-limit'
import type { App } from '../app.ts'
import { NO_REQUEST, record } from '../audit/record.ts'
import { runEvery, type StopBackgroundTask } from '../background-task.ts'
import { addSeconds } from '../clock.ts'
import { statement } from '../database/client.ts'
import type { Mailer } from './mailer.ts'
import { MailRefused } from './options.ts'
import { mailData } from './outbox.ts'
import type { MailTemplate } from './texts.ts'

const INTERVAL_SECONDS = 1
const BATCH = 20
const CONCURRENCY = 4
/** Small, so that a requested email never waits long for a slow mail server to take a batch of notices. */
const NOTICE_BATCH = CONCURRENCY
/** During this time no other replica claims the email. Longer than sending a batch can take. */
const LEASE_SECONDS = 120
/** The wait after each failed attempt, about 36 hours in total. The attempt after the last wait is the final one. */
const WAIT_SECONDS = [10, 60, 300, 1800, 7200, 21_600, 43_200, 57_600]

type Claimed = [
  id: string,
  template: MailTemplate,
  locale: string,
  recipient: string,
  sealedData: string,
  attempts: number,
]

const due = (priority: 0 | 1, limit: string) => `(
  SELECT id FROM mails
  WHERE status = 'queued' AND priority = ${priority} AND next_attempt_at <= $1 AND (expires_at > $1) IS NOT FALSE
  ORDER BY next_attempt_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
)`

/**
 * Claims requested emails or, if none is due, a few notices. A lease rather than a lock, so that no transaction stays
 * open while a mail server responds slowly. MATERIALIZED, because PostgreSQL may run a subquery inside a join more than
 * once; each run would skip the rows locked by the previous one and claim more.
 */
const claim = statement<Claimed>(
  'mail-claim',
  `WITH awaited AS MATERIALIZED ${due(0, String(BATCH))},
     notices AS MATERIALIZED ${due(1, `CASE WHEN EXISTS (SELECT FROM awaited) THEN 0 ELSE ${NOTICE_BATCH} END`)},
     claimed AS MATERIALIZED (SELECT id FROM awaited UNION ALL SELECT id FROM notices)
   UPDATE mails m SET attempts = m.attempts + 1, next_attempt_at = $2
   FROM claimed WHERE m.id = claimed.id
   RETURNING m.id, m.template, m.locale, m.recipient, m.sealed_data, m.attempts`,
)

/** Small enough to stay within the statement timeout, however many emails expired while the mail server was down. */
const EXPIRED_BATCH = 1000

/**
 * Marks expired emails as failed, and returns the number of queued and failed emails before that. Emails that another
 * replica has locked are left for the next run.
 */
const expireAndCount = statement<[queued: number, failed: number]>(
  'mail-expire-and-count',
  `WITH late AS MATERIALIZED (
     SELECT id FROM mails WHERE status = 'queued' AND expires_at <= $1
     ORDER BY next_attempt_at LIMIT ${EXPIRED_BATCH} FOR UPDATE SKIP LOCKED
   ), expired AS (
     UPDATE mails m SET status = 'failed', sealed_data = '', last_error = 'expired' FROM late WHERE m.id = late.id
   )
   SELECT count(*) FILTER (WHERE status = 'queued')::int, count(*) FILTER (WHERE status = 'failed')::int
   FROM mails WHERE status IN ('queued', 'failed')`,
)

/**
 * Sends the emails that are due, queued by any replica: requested emails first, then notices. Returns the number sent.
 * If the process dies after it sends an email but before it records that, the email is sent again with the same
 * Message-ID: twice is better than never. When `stopping` is aborted, emails that are not being sent yet are released.
 */
export async function deliverMails(app: App, stopping?: AbortSignal): Promise<number> {
  const { mailer, pool, clock } = app
  if (!mailer) return 0
  const limit = pLimit(CONCURRENCY)
  let sent = 0
  let claimed: Claimed[]
  const [counts] = await expireAndCount(pool, [clock.now()])
  if (counts) mailer.backlog = { queued: counts[0], failed: counts[1] }
  do {
    const now = clock.now()
    claimed = await claim(pool, [now, addSeconds(now, LEASE_SECONDS)])
    const outcomes = await Promise.all(
      claimed.map(mail => limit(() => (stopping?.aborted ? unclaim(app, mail) : deliver(app, mailer, mail)))),
    )
    sent += outcomes.filter(Boolean).length
  } while (claimed.length > 0 && !stopping?.aborted)
  return sent
}

const release = statement(
  'mail-release',
  'UPDATE mails SET attempts = attempts - 1, next_attempt_at = $2 WHERE id = $1',
)

/** Undoes the claim, so that the attempt doesn't count. */
async function unclaim({ pool, clock }: App, [id]: Claimed): Promise<false> {
  await release(pool, [id, clock.now()])
  return false
}

const markSent = statement(
  'mail-sent',
  `UPDATE mails SET status = 'sent', sent_at = $2, sealed_data = '', last_error = NULL WHERE id = $1`,
)

/** The last email to a deleted account. It leaves no trace, whether it is sent or not. */
const FAREWELL: MailTemplate = 'account-deleted'

const forget = statement('mail-forget', 'DELETE FROM mails WHERE id = $1')

/** Resolves to whether the email was sent. */
async function deliver(app: App, mailer: Mailer, mail: Claimed): Promise<boolean> {
  const [id, template, locale, recipient, sealedData, attempts] = mail
  try {
    const data = mailData(app, { id, sealedData })
    const send = () => mailer.send({ id, template, locale, to: recipient, data })
    await (app.tracing?.email({ id, template }, send) ?? send())
  } catch (error) {
    await retryOrFail(app, id, template, attempts, error)
    return false
  }
  await (template === FAREWELL ? forget(app.pool, [id]) : markSent(app.pool, [id, app.clock.now()]))
  return true
}

const tryLater = statement(
  'mail-try-later',
  'UPDATE mails SET next_attempt_at = $2, last_error = $3 WHERE id = $1',
)

/** Schedules the next attempt. Gives up after the last one, or immediately if the mail server refuses permanently. */
async function retryOrFail(
  app: App,
  id: string,
  template: MailTemplate,
  attempts: number,
  error: unknown,
): Promise<void> {
  const reason = reasonOf(error)
  const now = app.clock.now()
  const waitSeconds = WAIT_SECONDS[attempts - 1]
  if (waitSeconds !== undefined && !isRefusal(error)) {
    app.log.warn({ mail: id, template, reason }, 'could not send an email; it will be tried again')
    await tryLater(app.pool, [id, addSeconds(now, waitSeconds), reason])
    return
  }
  app.log.error({ mail: id, template, reason }, 'could not send an email; it will not be tried again')
  await app.db.$transaction(async tx => {
    const [failed] = await tx.mail.updateManyAndReturn({
      where: { id },
      data: { status: 'failed', lastError: reason },
    })
    // Deleted together with its account.
    if (!failed) return
    if (template === FAREWELL) await tx.mail.delete({ where: { id } })
    await record(tx, NO_REQUEST, {
      action: 'mail.failed',
      at: now,
      subjectId: failed.userId ?? undefined,
      detail: { mailId: id, template, reason },
    })
  })
}

type SmtpError = { code?: string; responseCode?: number; command?: string }

/**
 * Whether the email must not be tried again: the SMTP server permanently refuses its recipient or content (RFC 5321,
 * section 4.2.1), or the program's own function does.
 */
function isRefusal(error: unknown): boolean {
  if (error instanceof MailRefused) return true
  const { code, responseCode = 0 } = (error ?? {}) as SmtpError
  return responseCode >= 500 && (code === 'EENVELOPE' || code === 'EMESSAGE')
}

/** Never includes the mail server's response, which may quote the email and its link. */
function reasonOf(error: unknown): string {
  const { code, responseCode, command } = (error ?? {}) as SmtpError
  return [code ?? (error instanceof Error ? error.name : 'Error'), responseCode, command]
    .filter(Boolean)
    .join(' ')
}

/** Delivers emails in the background until it is stopped. */
export function startMailDelivery(app: App): StopBackgroundTask {
  return runEvery(app, INTERVAL_SECONDS, deliverMails, 'could not process the outbox')
}
