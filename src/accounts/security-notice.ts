import type { App } from '../app.ts'
import type { User } from '../generated/prisma/client.ts'
import { linkTo, type NewMail } from '../mail/outbox.ts'
import type { EmailOrigin, MailData } from '../mail/texts.ts'
import { deviceNameOf } from '../network/device-name.ts'

/** The parts of a request or a session that identify where it comes from. */
type Source = { ipAddress?: string | null | undefined; userAgent?: string | null | undefined }

/**
 * Where a request or a session comes from, for an email to the owner. The server derives the device from the user
 * agent. It never uses the device name that the client sends.
 */
export function emailOriginOf(app: App, { ipAddress, userAgent }: Source): EmailOrigin {
  return {
    at: app.clock.now().toISOString(),
    device: deviceNameOf(userAgent) ?? null,
    ipAddress: ipAddress ?? null,
  }
}

/** Notices with a link to set a new password, in case someone else caused the activity. */
type Notice =
  | 'already-registered'
  | 'password-changed'
  | 'password-removed'
  | 'new-device'
  | 'reuse-detected'
  | 'copy-refused'
  | 'factor-added'
  | 'factor-removed'
  | 'recovery-codes-renewed'
  | 'identity-added'
  | 'identity-removed'
  | 'api-key-created'
  | 'wrong-codes'
  | 'recovery-code-used'

/** A notice to the owner of an account about activity that they may not recognize. */
export function securityNotice<Template extends Notice>(
  app: App,
  { id, email, locale }: Pick<User, 'id' | 'email' | 'locale'>,
  template: Template,
  facts: Omit<MailData[Template], 'link'>,
): NewMail {
  const data = { ...facts, link: linkTo(app, 'forgot-password') }
  return { template, to: email, locale, userId: id, data } as NewMail
}
