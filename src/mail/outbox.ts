import { v7 as uuidv7 } from 'uuid'
import type { App } from '../app.ts'
import { seal, unseal } from '../crypto/seal.ts'
import type { Queryable } from '../database/client.ts'
import { AuthError } from '../errors.ts'
import type { Mail } from '../generated/prisma/client.ts'
import { type LinkedPage, pageUrl } from '../page-addresses.ts'
import type { MailData, MailTemplate } from './texts.ts'

/** An email to queue. */
export type NewMail<Template extends MailTemplate = MailTemplate> = {
  [Each in Template]: {
    template: Each
    to: string
    /** BCP 47; selects the language. */
    locale: string
    data: MailData[Each]
    /** The account that the email is about. */
    userId?: string
    /** After this time, the email is not sent. */
    expiresAt?: Date
  }
}[Template]

/** Emails that a person has requested and is waiting for. All others are notices, which are sent after these. */
const AWAITED = new Set<MailTemplate>([
  'verify-email',
  'already-registered',
  'reset-password',
  'invitation',
  'email-login',
  'factor-recovery',
  'confirm-new-email',
  'factor-code',
])

export const mailColumns = {
  id: 'id',
  status: 'status',
  priority: 'priority',
  template: 'template',
  locale: 'locale',
  recipient: 'recipient',
  userId: 'user_id',
  sealedData: 'sealed_data',
  attempts: 'attempts',
  createdAt: 'created_at',
  nextAttemptAt: 'next_attempt_at',
  expiresAt: 'expires_at',
  sentAt: 'sent_at',
  lastError: 'last_error',
} as const satisfies Record<keyof Mail, string>

/** The outbox rows of these emails. Empty if this server sends no email. */
export function toMails(app: App, ...emails: NewMail[]): Mail[] {
  if (!app.mailer) return []
  const now = app.clock.now()
  return emails.map(({ template, to, locale, data, userId, expiresAt }) => {
    const id = uuidv7()
    return {
      id,
      status: 'queued',
      priority: AWAITED.has(template) ? 0 : 1,
      template,
      locale,
      recipient: to,
      userId: userId ?? null,
      // The data may contain a link, which must stay unreadable in a copy of the database.
      sealedData: seal(Buffer.from(JSON.stringify(data)), purposeOf(id), app.keys.sealing.current),
      attempts: 0,
      createdAt: now,
      nextAttemptAt: now,
      expiresAt: expiresAt ?? null,
      sentAt: null,
      lastError: null,
    }
  })
}

/** Queues emails in the caller's transaction, so that they are sent only if it commits. */
export async function queueMail(app: App, tx: Queryable, ...emails: NewMail[]): Promise<void> {
  const data = toMails(app, ...emails)
  if (data.length > 0) await tx.mail.createMany({ data })
}

/**
 * The data of a queued email, unsealed.
 * @throws Error if this server doesn't have the secret that sealed it
 */
export function mailData(app: App, { id, sealedData }: Pick<Mail, 'id' | 'sealedData'>): never {
  return JSON.parse(unseal(sealedData, purposeOf(id), app.keys.sealing).plain.toString()) as never
}

function purposeOf(id: string): string {
  return `mail ${id}`
}

/**
 * A link for an email. It always leads to PUBLIC_URL, whatever the request's Host header says. The token is in the
 * fragment, which browsers don't send, so it never appears in server or proxy logs or in referrers.
 */
export function linkTo({ config }: App, page: LinkedPage, token?: string): string {
  return `${pageUrl(config.publicUrl, page)}${token === undefined ? '' : `#token=${token}`}`
}

/**
 * Call it first in operations that must send an email.
 * @throws AuthError CONFLICT with MAIL=off
 */
export function requireMail({ mailer }: App): void {
  if (mailer) return
  throw new AuthError('CONFLICT', { message: 'This server doesn’t send email. Contact an administrator.' })
}
