import type { PendingRegistration } from '../accounts/pending-registration.ts'
import type { App } from '../app.ts'
import type { User } from '../generated/prisma/client.ts'
import { linkTo } from '../mail/outbox.ts'
import type { EmailOrigin } from '../mail/texts.ts'
import { newToken, type TokenRequest } from './token.ts'

type Recipient = { to: string; locale: string; origin: EmailOrigin }

/** A token that verifies an address, with its mail, which says where the address was given. */
function newVerification(app: App, wanted: TokenRequest, { to, locale, origin }: Recipient) {
  const { token, expiresAt, row } = newToken(app, wanted)
  const mail = {
    template: 'verify-email' as const,
    to,
    locale,
    data: { ...origin, waits: !wanted.userId, link: linkTo(app, 'verify-email', token) },
    expiresAt,
    userId: wanted.subject,
  }
  return { row, mail }
}

/** The verification that an account waits for: its id will be `subject`. */
export function verificationOfPending(
  app: App,
  subject: string,
  emailCanonical: string,
  account: PendingRegistration,
) {
  const { email: to, locale, asked: origin } = account
  const wanted = { purpose: 'registration', subject, emailCanonical, payload: account } as const
  return newVerification(app, wanted, { to, locale, origin })
}

/** The verification of an account's present address. */
export function verificationOf(app: App, { id, email, emailCanonical, locale }: User, origin: EmailOrigin) {
  const wanted = { purpose: 'verify', subject: id, userId: id, emailCanonical } as const
  return newVerification(app, wanted, { to: email, locale, origin })
}
