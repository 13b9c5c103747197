import { v7 as uuidv7 } from 'uuid'
import type { App } from '../app.ts'
import { seal, unseal } from '../crypto/seal.ts'
import type { Queryable } from '../database/client.ts'
import { AuthError } from '../errors.ts'
import type { Mail } from '../generated/prisma/client.ts'
import type { MailData, MailTemplate } from './texts.ts'

/** A mail to send, by its template. */
export type NewMail<Template extends MailTemplate = MailTemplate> = {
  [Each in Template]: {
    template: Each
    to: string
    /** BCP 47; decides the language. */
    locale: string
    data: MailData[Each]
    /** Whose account it is about. */
    userId?: string
    /** From then on it is of no use any more. */
    expiresAt?: Date
  }
}[Template]

/** Emails that someone asked for and waits for. All others are notices, which are sent after these. */
const AWAITED = new Set<MailTemplate>([
  'verify-email',
  'already-registered',
  'reset-password',
  'invitation',
  'confirm-new-email',
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

/** The outbox's rows for these mails: none where this server sends no mail. */
export function toMails(app: App, ...mails: NewMail[]): Mail[] {
  if (!app.mailer) return []
  const now = app.clock.now()
  return mails.map(({ template, to, locale, data, userId, expiresAt }) => {
    const id = uuidv7()
    return {
      id,
      status: 'queued',
      priority: AWAITED.has(template) ? 0 : 1,
      template,
      locale,
      recipient: to,
      userId: userId ?? null,
      // It may hold a link that must not be read from a copy of the database.
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

/** Writes mails in the caller's transaction: what caused them happened, or they do not exist. */
export async function queueMail(app: App, tx: Queryable, ...mails: NewMail[]): Promise<void> {
  const data = toMails(app, ...mails)
  if (data.length > 0) await tx.mail.createMany({ data })
}

/**
 * What a queued mail is filled with.
 * @throws Error when it was sealed under a secret that this server does not have
 */
export function mailData(app: App, { id, sealedData }: Pick<Mail, 'id' | 'sealedData'>): never {
  return JSON.parse(unseal(sealedData, purposeOf(id), app.keys.sealing).plain.toString()) as never
}

function purposeOf(id: string): string {
  return `mail ${id}`
}

/**
 * Where a link of a mail leads: always under PUBLIC_URL, whatever host a request named. The token is in the fragment,
 * which browsers do not send: so it is in no log of a server or a proxy, and in no referrer.
 */
export function linkTo({ config }: App, page: string, token?: string): string {
  return `${config.publicUrl}/${page}${token === undefined ? '' : `#token=${token}`}`
}

/**
 * For operations that are nothing without a mail.
 * @throws AuthError CONFLICT where MAIL=off
 */
export function requireMail({ mailer }: App): void {
  if (mailer) return
  throw new AuthError('CONFLICT', { message: 'This server sends no mail. Ask an administrator.' })
}
