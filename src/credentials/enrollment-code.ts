import { timingSafeEqual } from 'node:crypto'
import { emailOriginOf } from '../accounts/security-notice.ts'
import type { App } from '../app.ts'
import { auditColumns, toEvent } from '../audit/record.ts'
import { addSeconds } from '../clock.ts'
import type { RequestInfo } from '../context.ts'
import { statement } from '../database/client.ts'
import { insertSql, toRows } from '../database/insert.ts'
import { AuthError } from '../errors.ts'
import type { User } from '../generated/prisma/client.ts'
import { mailColumns, toMails } from '../mail/outbox.ts'
import { countEmailRequest, EMAIL_CODE_TTL_SECONDS } from '../one-time-tokens/email-request.ts'
import {
  countEmailCode,
  EMAIL_CODE_TRIES,
  emailCodeHmac,
  forgiveEmailCode,
  newEmailCode,
  parseEmailCode,
} from './email-code.ts'
import type { Claim, Proof } from './proof.ts'

const store = statement(
  'email-code-store',
  `WITH stored AS (
     INSERT INTO email_codes (subject, user_id, code_hmac, attempts, created_at, expires_at)
     VALUES ($1, $2, $3, 0, $4, $5)
     ON CONFLICT (subject) DO UPDATE SET code_hmac = excluded.code_hmac, attempts = 0,
       created_at = excluded.created_at, expires_at = excluded.expires_at
     WHERE email_codes.user_id = excluded.user_id
     RETURNING subject
   ), queued AS (${insertSql('mails', mailColumns, 6, 'stored')})
   ${insertSql('audit_events', auditColumns, 7, 'stored')}`,
)

/**
 * Emails a code to the account's address, so that someone who only knows the password cannot add a factor. `subject` is
 * the session, or the ID of the ticket, that the code is for. A newer code replaces it.
 * @throws AuthError RATE_LIMITED
 */
export async function sendEnrollmentCode(
  app: App,
  subject: string,
  account: User,
  request: RequestInfo,
): Promise<void> {
  const { id, email, emailCanonical, locale } = account
  await countEmailRequest(app, 'email-code', emailCanonical, request)
  const now = app.clock.now()
  const expiresAt = addSeconds(now, EMAIL_CODE_TTL_SECONDS)
  const code = newEmailCode()
  const data = { ...emailOriginOf(app, request), code }
  const mail = { template: 'factor-code', to: email, locale, userId: id, expiresAt, data } as const
  const event = toEvent(request, { action: 'factor.code_requested', at: now, subjectId: id })
  await store(app.pool, [
    subject,
    id,
    emailCodeHmac(app, subject, code),
    now,
    expiresAt,
    toRows(mailColumns, ...toMails(app, mail)),
    toRows(auditColumns, event),
  ])
}

const tryCode = statement<[codeHmac: Buffer]>(
  'email-code-try',
  `UPDATE email_codes SET attempts = attempts + 1
   WHERE subject = $1 AND user_id = $2 AND attempts < ${EMAIL_CODE_TRIES} AND expires_at > $3
   RETURNING code_hmac`,
)

/**
 * Checks the code that was emailed for `subject`. Each try counts, also of parallel ones. The proof's claim uses the
 * code up.
 * @throws AuthError CODE_INVALID, RATE_LIMITED
 */
export async function proveEnrollmentCode(
  app: App,
  subject: string,
  { id, emailCanonical }: User,
  text: string,
  request: RequestInfo,
): Promise<Proof> {
  const attempt = await countEmailCode(app, emailCanonical, request)
  const at = app.clock.now()
  const [row] = await tryCode(app.pool, [subject, id, at])
  const code = parseEmailCode(text)
  const given = code === undefined ? undefined : emailCodeHmac(app, subject, code)
  if (!row || !given || !timingSafeEqual(row[0], given)) throw new AuthError('CODE_INVALID')
  await forgiveEmailCode(app, attempt)
  return { accountId: id, method: 'EMAIL', at, claim: usedCode(subject, given) }
}

function usedCode(subject: string, codeHmac: Buffer): Claim {
  return {
    name: 'email-code',
    sql: first =>
      `DELETE FROM email_codes c USING account WHERE c.subject = $${first}::uuid AND c.code_hmac = $${first + 1}
       RETURNING c.subject`,
    values: [subject, codeHmac],
    lost: () => new AuthError('CODE_INVALID', { cause: 'another request used the emailed code' }),
  }
}
