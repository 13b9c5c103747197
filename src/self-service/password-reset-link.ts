import { emailOriginOf } from '../accounts/security-notice.ts'
import type { App } from '../app.ts'
import type { RequestInfo } from '../context.ts'
import type { User } from '../generated/prisma/client.ts'
import { linkTo, type NewMail } from '../mail/outbox.ts'
import type { IssuedToken, TokenRequest } from '../one-time-tokens/token.ts'

/** The token of a password reset. It is valid only while the account has this address. */
export function resetTokenOf({ id, emailCanonical }: Pick<User, 'id' | 'emailCanonical'>): TokenRequest {
  return { purpose: 'reset', subject: id, userId: id, emailCanonical }
}

/** The email with the link to set a new password. */
export function resetMail(
  app: App,
  { id, email, locale }: Pick<User, 'id' | 'email' | 'locale'>,
  { token, expiresAt }: IssuedToken,
  request: RequestInfo,
): NewMail {
  const data = { ...emailOriginOf(app, request), link: linkTo(app, 'reset-password', token) }
  return { template: 'reset-password', to: email, locale, userId: id, expiresAt, data }
}

/** The same email, sent by an administrator. It says so, and nothing about their device or network. */
export function resetMailByAdministrator(
  app: App,
  { id, email, locale }: Pick<User, 'id' | 'email' | 'locale'>,
  { token, expiresAt }: IssuedToken,
): NewMail {
  const data = {
    ...emailOriginOf(app, {}),
    byAdministrator: true,
    link: linkTo(app, 'reset-password', token),
  }
  return { template: 'reset-password', to: email, locale, userId: id, expiresAt, data }
}
