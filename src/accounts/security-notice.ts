import type { App } from '../app.ts'
import type { User } from '../generated/prisma/client.ts'
import { linkTo, type NewMail } from '../mail/outbox.ts'
import type { EmailOrigin } from '../mail/texts.ts'
import { deviceNameOf } from '../network/device-name.ts'

/** The facts of a request, or of a session. */
type Source = { ipAddress?: string | null | undefined; userAgent?: string | null | undefined }

/**
 * Where a request or a session comes from, for the person whose account it is about. The device is what the server
 * derives from the user agent, never the name that the client gives it.
 */
export function emailOriginOf(app: App, { ipAddress, userAgent }: Source): EmailOrigin {
  return {
    at: app.clock.now().toISOString(),
    device: deviceNameOf(userAgent) ?? null,
    ipAddress: ipAddress ?? null,
  }
}

/** Notices with a link to a new password, in case someone else did what they are about. */
type Notice = 'already-registered' | 'password-changed' | 'new-device' | 'reuse-detected'

export function securityNotice(
  app: App,
  { id, email, locale }: Pick<User, 'id' | 'email' | 'locale'>,
  template: Notice,
  origin: EmailOrigin,
): NewMail {
  const data = { ...origin, link: linkTo(app, 'forgot-password') }
  return { template, to: email, locale, userId: id, data }
}
