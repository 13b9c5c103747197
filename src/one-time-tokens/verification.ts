import type { PendingRegistration } from '../accounts/pending-registration.ts'
import type { App } from '../app.ts'
import type { User } from '../generated/prisma/client.ts'
import { linkTo } from '../mail/outbox.ts'
import type { EmailOrigin } from '../mail/texts.ts'
import { newToken, type TokenRequest } from './token.ts'

type Recipient = { to: string; locale: string; origin: EmailOrigin }

/** A token that verifies an address, and its email, which says where the request came from. */
function newVerification(app: App, requested: TokenRequest, { to, locale, origin }: Recipient) {
  const { token, expiresAt, row } = newToken(app, requested)
  const mail = {
    template: 'verify-email' as const,
    to,
    locale,
    data: { ...origin, waits: !requested.userId, link: linkTo(app, 'verify-email', token) },
    expiresAt,
    userId: requested.subject,
  }
  return { row, mail }
}

/** The verification that a pending registration waits for. `subject` will be the account's ID. */
export function verificationOfPending(
  app: App,
  subject: string,
  emailCanonical: string,
  account: PendingRegistration,
) {
  const { email: to, locale, asked: origin } = account
  const requested = { purpose: 'registration', subject, emailCanonical, payload: account } as const
  return newVerification(app, requested, { to, locale, origin })
}

/** The verification of an account's current address. */
export function verificationOf(app: App, { id, email, emailCanonical, locale }: User, origin: EmailOrigin) {
  const requested = { purpose: 'verify', subject: id, userId: id, emailCanonical } as const
  return newVerification(app, requested, { to: email, locale, origin })
}
