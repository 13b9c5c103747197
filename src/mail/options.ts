import type { Filled, MailLanguage, MailTemplate, MailText } from './texts.ts'

/** An email that is ready to be sent. */
export type OutgoingEmail = {
  /** The same for every attempt: pass it to your provider as the idempotency key. */
  id: string
  template: MailTemplate
  /** The language of the texts, as a BCP 47 tag. */
  locale: string
  /** `MAIL_FROM`, such as `Example <no-reply@example.com>`. */
  from: string
  to: string
  subject: string
  text: string
  html: string
  /** With its angle brackets; the same for every attempt. */
  messageId: string
  /** Further headers, by name. */
  headers: Readonly<Record<string, string>>
}

/**
 * Sends an email, and resolves when the provider has accepted it. If it rejects, the email is sent again later, for about
 * 36 hours; after a `MailRefused`, it is not. `signal` is aborted after 20 seconds, which counts as a failed attempt.
 */
export type SendMail = (email: OutgoingEmail, signal: AbortSignal) => unknown

/** An email without the layout of the server. Escape what you put into the HTML. */
export type WholeMail = { subject: string; text: string; html: string }

/** Writes an email: its text, which the server lays out, or the whole email. */
export type WriteMail<Template extends MailTemplate> = (data: Filled<Template>) => MailText | WholeMail

/** By language tag and template. Languages and templates that are not listed keep the texts of the server. */
export type MailTemplates = Readonly<Record<string, { [Template in MailTemplate]?: WriteMail<Template> }>>

/** The texts around those of the templates, by language tag. */
export type MailLayouts = Readonly<Record<string, Partial<Omit<MailLanguage, 'templates'>>>>

export type MailOptions = {
  /** Sends emails in place of `SMTP_URL`. */
  send?: SendMail
  templates?: MailTemplates
  layouts?: MailLayouts
}

/** Throw it from `send` if the provider permanently refuses an email. It is then not tried again. */
export class MailRefused extends Error {
  constructor(message = 'The email was refused.', options?: ErrorOptions) {
    super(message, options)
    this.name = 'MailRefused'
  }
}
