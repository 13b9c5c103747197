import type { DerivedName } from '../network/device-name.ts'

/**
 * What fills each email. Clients choose only addresses: free text would let them send advertisements and links to
 * people who never asked for them.
 */
export type MailData = {
  /** `waits`: the registration waits for this link. Otherwise, the account already exists. */
  'verify-email': EmailOrigin & { waits: boolean; link: string }
  'already-registered': EmailOrigin & { link: string }
  /** `byAdministrator`: an administrator sent it, instead of someone who asked for it. */
  'reset-password': EmailOrigin & { byAdministrator?: boolean; link: string }
  invitation: { link: string }
  /**
   * `effect`: what else the sign-in does. `create`: the address has no account yet. `take-over`: the account's address was
   * never verified, so the sign-in removes what strangers may have set up.
   */
  'email-login': EmailOrigin & { code: string; effect: EmailLoginEffect; link: string }
  'confirm-new-email': EmailOrigin & { link: string }
  'email-change-requested': EmailOrigin & { newEmail: string; link: string }
  'email-changed': EmailOrigin & { newEmail: string; link: string }
  /** For an account without a password. Others receive a link to set one. */
  'email-change-undone': { at: string }
  'email-replaced': { at: string; newEmail: string }
  'password-changed': EmailOrigin & { link: string }
  'password-removed': EmailOrigin & { link: string }
  'new-device': EmailOrigin & { link: string }
  'reuse-detected': EmailOrigin & { link: string }
  'copy-refused': EmailOrigin & { link: string }
  'factor-code': EmailOrigin & { code: string }
  'factor-added': EmailOrigin & { factor: FactorKind; link: string }
  'factor-removed': EmailOrigin & { factor: FactorKind; link: string }
  /** `provider`: its name. */
  'identity-added': EmailOrigin & { provider: string; link: string }
  'identity-removed': EmailOrigin & { provider: string; link: string }
  /** `prefix`: how the key begins. */
  'api-key-created': EmailOrigin & { prefix: string; link: string }
  'recovery-codes-renewed': EmailOrigin & { link: string }
  'wrong-codes': EmailOrigin & { link: string }
  /** `left`: the number of unused codes. */
  'recovery-code-used': EmailOrigin & { left: number; link: string }
  'factors-reset': { at: string }
  /** `readyAt`: when the recovery can be completed, ISO 8601. */
  'factor-recovery': EmailOrigin & { readyAt: string; link: string }
  /** `at`: when the recovery was requested. */
  'factor-recovery-reminder': { at: string; readyAt: string; link: string }
  'factors-recovered': { at: string }
  'account-disabled': { at: string }
  'account-deleted': { at: string }
}

export type EmailLoginEffect = 'none' | 'create' | 'take-over'

/** What a person can add and remove as a second factor. */
export type FactorKind = 'TOTP' | 'PASSKEY' | 'SECURITY_KEY'

/** When and where a request came from, so that the reader can recognize it. */
export type EmailOrigin = {
  /** ISO 8601. */
  at: string
  /** Such as "Firefox on Linux". */
  device: DerivedName | null
  ipAddress: string | null
}

export type MailTemplate = keyof MailData

/** One email in one language, as plain text. The layout turns it into HTML and keeps line breaks. */
export type MailText = {
  subject: string
  paragraphs: string[]
  /** A code to type, below the first paragraph. */
  code?: string
  /** The label of the button that opens the link. */
  action?: string
  /** The text below the button. */
  after?: string[]
}

/** A language, as `locales/<tag>.ts` exports it. Templates of the embedding program can also write the `Whole` email. */
export type MailLanguage<Whole = never> = {
  /** Below the button, before the address that the button opens. */
  linkHint: string
  /** The last line of every email. */
  footer: (sender: { appName: string; url: string }) => string
  /** The names of the operator's own pages, which the footer links to. */
  links: { terms: string; privacy: string; support: string }
  /** When and where a request came from, one line for each fact. */
  origin: (request: { time: string; device: string | null; ipAddress: string | null }) => string[]
  templates: { [Template in MailTemplate]: (data: Filled<Template>) => MailText | Whole }
}

/** The data of an email in readable form, with times and origins written out. */
export type Filled<Template extends MailTemplate> = MailData[Template] & {
  appName: string
  /** The page where the reader can request a link to set a new password. */
  forgotPasswordUrl: string
  /** `at`, written in the reader's language. */
  time: string
  /** `readyAt`, written in the reader's language. */
  readyTime: string
  /** When and where the request came from, one line for each fact. */
  origin: string
}
