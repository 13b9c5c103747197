import { setTimeout } from 'node:timers/promises'
import { mailboxOf } from '../accounts/email.ts'
import type { App } from '../app.ts'
import { type AuditEntry, auditColumns, toEvent } from '../audit/record.ts'
import type { RequestInfo } from '../context.ts'
import { isForeignKeyViolation, statement } from '../database/client.ts'
import { insertSql, toRows } from '../database/insert.ts'
import type { EmailToken } from '../generated/prisma/client.ts'
import { mailColumns, type NewMail, toMails } from '../mail/outbox.ts'
import { networkOf } from '../network/address.ts'
import { hashedSubject } from '../rate-limit/hashed-subject.ts'
import { type Attempt, countAttempt } from '../rate-limit/limit.ts'
import { lifeSecondsOf, type TokenPurpose, tokenColumns, tokensSql } from './token.ts'

const write = statement(
  'request-mail',
  `WITH asked AS (${tokensSql(1)}), queued AS (${insertSql('mails', mailColumns, 2)})
   ${insertSql('audit_events', auditColumns, 3)}`,
)

/** How long a code in an email is valid (NIST SP 800-63B-4, section 3.1.3.2: at most 10 minutes). */
export const EMAIL_CODE_TTL_SECONDS = 600

/** What an email is requested for. Emails with a code have no token in `email_tokens`. */
export type EmailPurpose = TokenPurpose | 'email-login' | 'email-code'

export type EmailRequest = {
  tokens: EmailToken[]
  emails: NewMail[]
  event: AuditEntry
}

/** Many times the duration of the work, which differs by 0.3 ms between known and unknown addresses. */
const ANSWER_AFTER_MS = 50

/** Runs work whose duration must not reveal its result. */
export async function inConstantTime<Result>(work: () => Promise<Result>): Promise<Result> {
  const passed = setTimeout(ANSWER_AFTER_MS)
  const result = await work()
  await passed
  return result
}

/**
 * Stores the tokens, the emails and the event of a request for an email, in one statement with one commit. If there is
 * nothing to send, it stores only the event.
 */
export async function storeEmailRequest(
  app: App,
  requested: EmailRequest,
  request: RequestInfo,
): Promise<void> {
  const entry = toRows(auditColumns, toEvent(request, requested.event))
  const rows = [
    toRows(tokenColumns, ...requested.tokens),
    toRows(mailColumns, ...toMails(app, ...requested.emails)),
  ]
  try {
    await write(app.pool, [...rows, entry])
  } catch (error) {
    if (!isForeignKeyViolation(error)) throw error
    // The account was deleted in the meantime, so the address is unknown now.
    await write(app.pool, ['[]', '[]', entry])
  }
}

/**
 * Counts a request for an email, in the same way for known and unknown addresses.
 * @throws AuthError RATE_LIMITED
 */
export async function countEmailRequest(
  app: App,
  purpose: EmailPurpose,
  emailCanonical: string,
  request: RequestInfo,
): Promise<void> {
  await countAttempt(app, mailAttempts(app, purpose, emailCanonical, request), request)
}

/** The attempts that a request for an email counts: on the network first, then on the address. */
export function mailAttempts(
  app: App,
  purpose: EmailPurpose,
  emailCanonical: string,
  { ipAddress }: RequestInfo,
): Attempt[] {
  const network = { rule: 'mail.network', subject: networkOf(ipAddress) } as const
  return [network, mailAttempt(app, purpose, emailCanonical)]
}

/**
 * The attempt to send an address a link of this purpose; `+tag` is ignored. Each purpose has its own count, so that
 * requests for other emails cannot use up the owner's password resets. No block lasts longer than the link that was sent
 * before it.
 */
export function mailAttempt(app: App, purpose: EmailPurpose, emailCanonical: string): Attempt {
  return {
    rule: 'mail.address',
    subject: `${purpose}:${hashedSubject(app, mailboxOf(emailCanonical))}`,
    blockMaxSeconds: hasCode(purpose) ? EMAIL_CODE_TTL_SECONDS : lifeSecondsOf(purpose),
    name: emailCanonical,
  }
}

function hasCode(purpose: EmailPurpose): purpose is Exclude<EmailPurpose, TokenPurpose> {
  return purpose === 'email-login' || purpose === 'email-code'
}
