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

export type EmailRequest = { tokens: EmailToken[]; mails: NewMail[]; event: AuditEntry }

/** Many times what the work takes: two rows more or less are 0.3 ms, which told known from unknown. */
const ANSWER_AFTER_MS = 50

/** Does work that must not tell by its time what it found. */
export async function inConstantTime(work: () => Promise<void>): Promise<void> {
  const passed = setTimeout(ANSWER_AFTER_MS)
  await work()
  await passed
}

/**
 * Stores what somebody asked for by mail: the tokens, the mails and the event, in one statement with one commit.
 * Where there is nothing to send the event alone is stored.
 */
export async function storeEmailRequest(
  app: App,
  { tokens, mails, event }: EmailRequest,
  request: RequestInfo,
): Promise<void> {
  const entry = toRows(auditColumns, toEvent(request, event))
  const rows = [toRows(tokenColumns, ...tokens), toRows(mailColumns, ...toMails(app, ...mails))]
  try {
    await write(app.pool, [...rows, entry])
  } catch (error) {
    if (!isForeignKeyViolation(error)) throw error
    // The account was deleted meanwhile: unknown by now.
    await write(app.pool, ['[]', '[]', entry])
  }
}

/**
 * Counts an email that a request may cause, for known and unknown addresses alike.
 * @throws AuthError RATE_LIMITED
 */
export async function countEmailRequest(
  app: App,
  purpose: TokenPurpose,
  emailCanonical: string,
  request: RequestInfo,
): Promise<void> {
  await countAttempt(app, mailAttempts(app, purpose, emailCanonical, request), request)
}

/** What an email that a request may cause counts against: the network first, then the address. */
export function mailAttempts(
  app: App,
  purpose: TokenPurpose,
  emailCanonical: string,
  { ipAddress }: RequestInfo,
): Attempt[] {
  const network = { rule: 'mail.network', subject: networkOf(ipAddress) } as const
  return [network, mailAttempt(app, purpose, emailCanonical)]
}

/**
 * An email with a link of this purpose to an address, whatever its `+tag`. Each purpose has a count of its own: requests for other emails
 * must not use up the owner's password resets. No block outlasts the link that was sent before it.
 */
export function mailAttempt(app: App, purpose: TokenPurpose, emailCanonical: string): Attempt {
  return {
    rule: 'mail.address',
    subject: `${purpose}:${hashedSubject(app, mailboxOf(emailCanonical))}`,
    blockMaxSeconds: lifeSecondsOf(purpose),
    name: emailCanonical,
  }
}
