import type { DerivedName } from '../network/device-name.ts'
/**
 * What each email is filled with. A client chooses nothing of it but addresses: other text of a client's would carry
 * advertisements and links to people who never asked for them.
 */
export type MailData = {
  /** Where the address was given, and whether the account waits for the link or is there already. */
  'verify-email': EmailOrigin & { waits: boolean; link: string }
  'already-registered': EmailOrigin & { link: string }
  'reset-password': EmailOrigin & { link: string }
  invitation: { link: string }
  'confirm-new-email': EmailOrigin & { link: string }
  'email-change-requested': EmailOrigin & { newEmail: string; link: string }
  'email-changed': EmailOrigin & { newEmail: string; link: string }
  'email-replaced': { at: string; newEmail: string }
  'password-changed': EmailOrigin & { link: string }
  'new-device': EmailOrigin & { link: string }
  'reuse-detected': EmailOrigin & { link: string }
  'account-disabled': { at: string }
  'account-deleted': { at: string }
}

/** Where the request behind an email came from, for the recipient to recognize. */
export type EmailOrigin = {
  /** ISO 8601. */
  at: string
  /** Such as "Firefox on Linux". */
  device: DerivedName | null
  ipAddress: string | null
}

export type MailTemplate = keyof MailData

/** One mail in one language: plain text, which the layout makes HTML of; a line break stays one. */
export type MailText = {
  subject: string
  paragraphs: string[]
  /** The words on the button that opens the link. */
  action?: string
  /** What comes below the button. */
  after?: string[]
}

/** A language, as `locales/<tag>.ts` exports it. */
export type MailLanguage = {
  /** Below the button, before the address that it opens. */
  linkHint: string
  /** The last line of every mail. */
  footer: (facts: { appName: string; url: string }) => string
  /** Where a request came from, a line each. */
  origin: (facts: { time: string; device: string | null; ipAddress: string | null }) => string[]
  mails: { [Template in MailTemplate]: (data: Filled<Template>) => MailText }
}

/** The data of a mail in a form to be read: times and origins written out. */
export type Filled<Template extends MailTemplate> = MailData[Template] & {
  appName: string
  /** Where the server's pages are. */
  url: string
  /** `at`, written in the language. */
  time: string
  /** Where the request came from, a line each. */
  origin: string
}
