import pLimit from 'p-limit'
import type { App } from '../app.ts'
import { NO_REQUEST, record } from '../audit/record.ts'
import { runEvery, type StopBackgroundTask } from '../background-task.ts'
import { addSeconds } from '../clock.ts'
import { statement } from '../database/client.ts'
import type { Mailer } from './mailer.ts'
import { mailData } from './outbox.ts'
import type { MailTemplate } from './texts.ts'

const INTERVAL_SECONDS = 1
const BATCH = 20
const CONCURRENCY = 4
/** Few, because an email that someone waits for may come while a slow mail server takes these. */
const NOTICE_BATCH = CONCURRENCY
/** Nobody else takes a mail up for so long: longer than sending a batch can take. */
const LEASE_SECONDS = 120
/** How long to wait after each attempt; there is one more attempt than there are waits: a day and a half in all. */
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
 * Emails that someone waits for, or, where none is due, a few notices. A lease, not a lock: no transaction stays open
 * while a mail server takes its time. MATERIALIZED, because a subquery that is planned into a join may run again, and
 * each run would skip what the one before has locked and take more.
 */
const claim = statement<Claimed>(
  'mail-claim',
  `WITH awaited AS MATERIALIZED ${due(0, String(BATCH))},
     notices AS MATERIALIZED ${due(1, `CASE WHEN EXISTS (SELECT FROM awaited) THEN 0 ELSE ${NOTICE_BATCH} END`)},
     taken AS MATERIALIZED (SELECT id FROM awaited UNION ALL SELECT id FROM notices)
   UPDATE mails m SET attempts = m.attempts + 1, next_attempt_at = $2
   FROM taken WHERE m.id = taken.id
   RETURNING m.id, m.template, m.locale, m.recipient, m.sealed_data, m.attempts`,
)

/** Few enough for the time that a statement has, however many expired while the mail server was away. */
const EXPIRED_BATCH = 1000

/**
 * Gives up what has expired, and tells what was queued and given up before. What somebody has in hand right now is
 * left for the next time.
 */
const takeStock = statement<[queued: number, failed: number]>(
  'mail-take-stock',
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
 * Sends what is due in the outbox, of any replica, and returns how many were sent: first what someone waits for, then
 * notices. An email that was sent while the process died before it could say so is sent again, with the same
 * Message-ID: twice is better than never. Once `stopping` is aborted, what is not on its way yet is left to others.
 */
export async function deliverMails(app: App, stopping?: AbortSignal): Promise<number> {
  const { mailer, pool, clock } = app
  if (!mailer) return 0
  const limit = pLimit(CONCURRENCY)
  let sent = 0
  let claimed: Claimed[]
  const [stock] = await takeStock(pool, [clock.now()])
  if (stock) mailer.backlog = { queued: stock[0], failed: stock[1] }
  do {
    const now = clock.now()
    claimed = await claim(pool, [now, addSeconds(now, LEASE_SECONDS)])
    const outcomes = await Promise.all(
      claimed.map(mail =>
        limit(() => (stopping?.aborted ? giveBack(app, mail) : deliver(app, mailer, mail))),
      ),
    )
    sent += outcomes.filter(Boolean).length
  } while (claimed.length > 0 && !stopping?.aborted)
  return sent
}

const release = statement(
  'mail-release',
  'UPDATE mails SET attempts = attempts - 1, next_attempt_at = $2 WHERE id = $1',
)

/** As if it had not been taken up. */
async function giveBack({ pool, clock }: App, [id]: Claimed): Promise<false> {
  await release(pool, [id, clock.now()])
  return false
}

const markSent = statement(
  'mail-sent',
  `UPDATE mails SET status = 'sent', sent_at = $2, sealed_data = '', last_error = NULL WHERE id = $1`,
)

/** The last that is known of somebody: nothing of it stays, sent or not. */
const FAREWELL: MailTemplate = 'account-deleted'

const forget = statement('mail-forget', 'DELETE FROM mails WHERE id = $1')

/** Whether the mail was sent. */
async function deliver(app: App, mailer: Mailer, mail: Claimed): Promise<boolean> {
  const [id, template, locale, recipient, sealedData, attempts] = mail
  try {
    const data = mailData(app, { id, sealedData })
    await mailer.send({ id, template, locale, to: recipient, data })
  } catch (error) {
    await putOff(app, id, template, attempts, error)
    return false
  }
  await (template === FAREWELL ? forget(app.pool, [id]) : markSent(app.pool, [id, app.clock.now()]))
  return true
}

const tryLater = statement(
  'mail-try-later',
  'UPDATE mails SET next_attempt_at = $2, last_error = $3 WHERE id = $1',
)

/** Waits longer after each attempt; gives up after the last, or at once where the server will never take it. */
async function putOff(
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
    app.log.warn({ mail: id, template, reason }, 'a mail could not be sent; it is tried again later')
    await tryLater(app.pool, [id, addSeconds(now, waitSeconds), reason])
    return
  }
  app.log.error({ mail: id, template, reason }, 'a mail could not be sent; nothing more is tried')
  await app.db.$transaction(async tx => {
    const [failed] = await tx.mail.updateManyAndReturn({
      where: { id },
      data: { status: 'failed', lastError: reason },
    })
    // It went with its account.
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

/** The mail server refuses this recipient or this message for good (RFC 5321, section 4.2.1). */
function isRefusal(error: unknown): boolean {
  const { code, responseCode = 0 } = error as SmtpError
  return responseCode >= 500 && (code === 'EENVELOPE' || code === 'EMESSAGE')
}

/** Never the server's own words: it may quote the mail, and with it a link. */
function reasonOf(error: unknown): string {
  const { code, responseCode, command } = error as SmtpError
  return [code ?? (error as Error).name, responseCode, command].filter(Boolean).join(' ')
}

/** Delivers again and again until told to stop. */
export function startMailDelivery(app: App): StopBackgroundTask {
  return runEvery(app, INTERVAL_SECONDS, deliverMails, 'the outbox could not be worked on')
}
