import { z } from 'zod'
import { findUser } from '../accounts/account.ts'
import { emailField } from '../accounts/fields.ts'
import { emailOriginOf, securityNotice } from '../accounts/security-notice.ts'
import type { App } from '../app.ts'
import { record } from '../audit/record.ts'
import type { RequestInfo } from '../context.ts'
import { forgiveAccount } from '../credentials/attempts.ts'
import { passwordField, requireAcceptablePassword } from '../credentials/password/new-password.ts'
import { type Device, keepOnlyDevice } from '../devices/device.ts'
import { AuthError } from '../errors.ts'
import type { User } from '../generated/prisma/client.ts'
import { checkInput } from '../input.ts'
import { queueNotice } from '../mail/notices.ts'
import { linkTo, type NewMail, requireMail } from '../mail/outbox.ts'
import { countEmailRequest, inConstantTime, storeEmailRequest } from '../one-time-tokens/email-request.ts'
import {
  countBadTokens,
  endTokens,
  type IssuedToken,
  newToken,
  peekToken,
  redeemToken,
  type TokenRequest,
} from '../one-time-tokens/token.ts'
import { revokeSessions } from '../sessions/revoke.ts'

const requestSchema = z.object({ email: emailField })
const resetSchema = z.object({ token: z.string(), newPassword: passwordField })

/**
 * Sends a link to set a new password to the account's own address. Does the same for an address without an account
 * and for a disabled account, in text and in time, but for the mail.
 * @throws AuthError BAD_USER_INPUT, RATE_LIMITED; CONFLICT where MAIL=off
 */
export async function requestPasswordReset(app: App, input: unknown, request: RequestInfo): Promise<void> {
  requireMail(app)
  const { email } = checkInput(requestSchema, input)
  await countEmailRequest(app, 'reset', email.canonical, request)
  await inConstantTime(async () => {
    const known = await findUser(app, 'email', email.canonical)
    const owner = known?.disabledAt ? undefined : known
    const token = owner && newToken(app, resetOf(owner))
    await storeEmailRequest(
      app,
      {
        tokens: token ? [token.row] : [],
        mails: token ? [resetMail(app, owner, token, request)] : [],
        event: { action: 'user.reset_requested', at: app.clock.now(), subjectId: known?.id },
      },
      request,
    )
  })
}

/** What a link to set a new password stands for: good only while the account has this address. */
export function resetOf({ id, emailCanonical }: Pick<User, 'id' | 'emailCanonical'>): TokenRequest {
  return { purpose: 'reset', subject: id, userId: id, emailCanonical }
}

export function resetMail(
  app: App,
  { id, email, locale }: Pick<User, 'id' | 'email' | 'locale'>,
  { token, expiresAt }: IssuedToken,
  request: RequestInfo,
): NewMail {
  const data = { ...emailOriginOf(app, request), link: linkTo(app, 'reset-password', token) }
  return { template: 'reset-password', to: email, locale, userId: id, expiresAt, data }
}

/**
 * Sets a new password, or the first one, for whoever holds the token of a reset or an invitation. Ends all
 * sessions, verifies the address, whose mailbox is proved, and makes `device` the only one that the account knows: its
 * owner signs in there, however many others try the name. A password that is refused does not spend the token.
 * Of two at once, or of one and a change of the password, one wins.
 * @throws AuthError BAD_USER_INPUT, TOKEN_INVALID, ACCOUNT_DISABLED, RATE_LIMITED, SERVICE_UNAVAILABLE
 */
export async function resetPassword(
  app: App,
  input: unknown,
  request: RequestInfo,
  device: Device,
): Promise<void> {
  const { token, newPassword } = checkInput(resetSchema, input)
  const account = await countBadTokens(app, request, () => reset(app, token, newPassword, request, device))
  await forgiveAccount(app, account)
}

async function reset(
  app: App,
  token: string,
  newPassword: string,
  request: RequestInfo,
  device: Device,
): Promise<User> {
  const { subject: id, emailCanonical } = await peekToken(app, token, 'reset', 'invitation')
  const user = await requireEnabledOwner(app, id)
  const { email, username, displayName } = user
  await requireAcceptablePassword(app, newPassword, 'input.newPassword', [email, username, displayName])
  const passwordHash = await app.hasher.hash(newPassword)
  const now = app.clock.now()
  await app.db.$transaction(async tx => {
    const changed = await tx.user.updateMany({
      where: { id, emailCanonical, disabledAt: null },
      data: {
        passwordHash,
        passwordChangedAt: now,
        updatedAt: now,
        emailVerifiedAt: user.emailVerifiedAt ?? now,
      },
    })
    if (changed.count === 0) throw new AuthError('TOKEN_INVALID', { cause: 'the account changed meanwhile' })
    await redeemToken(app, tx, token, 'reset', 'invitation')
    await endTokens(app, tx, id)
    await keepOnlyDevice(app, tx, id, device)
    await revokeSessions(
      app,
      { userId: id },
      { action: 'session.revoked', request, actorId: id, detail: { because: 'password reset' } },
      tx,
    )
    await record(tx, request, { action: 'user.password_reset', at: now, actorId: id, subjectId: id })
    // The link came to the address, which verifies it.
    const noticed = { ...user, emailVerifiedAt: user.emailVerifiedAt ?? now }
    await queueNotice(
      app,
      tx,
      noticed,
      securityNotice(app, user, 'password-changed', emailOriginOf(app, request)),
    )
  })
  return user
}

/**
 * The account that a token names.
 * @throws AuthError TOKEN_INVALID when it is gone, ACCOUNT_DISABLED
 */
export async function requireEnabledOwner(app: App, id: string): Promise<User> {
  const user = await app.db.user.findUnique({ where: { id } })
  if (!user) throw new AuthError('TOKEN_INVALID', { cause: 'the account is gone' })
  if (user.disabledAt) throw new AuthError('ACCOUNT_DISABLED')
  return user
}
