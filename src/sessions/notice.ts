import type { App } from '../app.ts'
import type { RequestFacts } from '../context.ts'
import type { User } from '../generated/prisma/client.ts'
import { linkTo, type NewMail } from '../mail/outbox.ts'
import type { Origin } from '../mail/texts.ts'
import { deviceNameOf } from './device-name.ts'

/** Where a request comes from, for the person whose account it is about. */
export function originOf(app: App, { ipAddress, userAgent }: RequestFacts): Origin {
  return {
    at: app.clock.now().toISOString(),
    device: deviceNameOf(userAgent) ?? null,
    ipAddress: ipAddress ?? null,
  }
}

/** What an account's owner is told of, with the way to a new password in case it was somebody else. */
type Notice = 'already-registered' | 'password-changed' | 'new-device' | 'reuse-detected'

export function noticeTo(
  app: App,
  { id, email, locale }: Pick<User, 'id' | 'email' | 'locale'>,
  template: Notice,
  origin: Origin,
): NewMail {
  const data = { ...origin, link: linkTo(app, 'forgot-password') }
  return { template, to: email, locale, userId: id, data }
}
