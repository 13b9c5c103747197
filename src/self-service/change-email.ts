import { v7 as uuidv7 } from 'uuid'
import { z } from 'zod'
import { findUser, requireAccount } from '../accounts/account.ts'
import { emailField } from '../accounts/fields.ts'
import { emailOriginOf, securityNotice } from '../accounts/security-notice.ts'
import { uniqueNameError } from '../accounts/unique-names.ts'
import type { App } from '../app.ts'
import type { AuditAction } from '../audit/actions.ts'
import { type AuditEntry, record } from '../audit/record.ts'
import type { Account, RequestInfo, Viewer } from '../context.ts'
import type { Queryable } from '../database/client.ts'
import { keepOnlyDevice } from '../devices/device.ts'
import { AuthError, badInput } from '../errors.ts'
import type { EmailToken, User } from '../generated/prisma/client.ts'
import { checkInput } from '../input.ts'
import { linkTo, type NewMail, queueMail, requireMail } from '../mail/outbox.ts'
import { countEmailRequest, mailAttempt } from '../one-time-tokens/email-request.ts'
import {
  countBadTokens,
  endTokens,
  issueToken,
  newToken,
  peekToken,
  redeemToken,
  storeToken,
} from '../one-time-tokens/token.ts'
import { countAttempt } from '../rate-limit/limit.ts'
import { requireRecentSignIn } from '../sessions/assurance.ts'
import { revokeSessions } from '../sessions/revoke.ts'
import { requireEnabledOwner, resetMail, resetOf } from './reset-password.ts'

const requestSchema = z.object({ newEmail: emailField })
const tokenSchema = z.object({ token: z.string() })

/** The address that a token stands for, as its owner wrote it. */
type AddressPayload = { email: string }

/**
 * Sends a link to the new address and, to the old one if it is verified, a notice with a link that undoes the change,
 * before and after it is confirmed. If the new address belongs to another account the answer is the same, and that
 * account's owner receives a notice.
 * @throws AuthError REAUTHENTICATION_REQUIRED, BAD_USER_INPUT, RATE_LIMITED; CONFLICT where MAIL=off
 */
export async function requestEmailChange(
  app: App,
  input: unknown,
  viewer: Viewer,
  request: RequestInfo,
): Promise<void> {
  requireMail(app)
  requireRecentSignIn(app, viewer)
  const { newEmail } = checkInput(requestSchema, input)
  const { account } = viewer
  if (newEmail.canonical === account.emailCanonical) {
    throw badInput({ 'input.newEmail': ['This is your address already.'] })
  }
  await countEmailRequest(app, 'email-change', newEmail.canonical, request)
  if (account.emailVerifiedAt) {
    // The notice to the old address is never left out, because only its link takes the address back. So further
    // changes are refused instead.
    await countAttempt(app, [mailAttempt(app, 'email-undo', account.emailCanonical)], request)
  }
  const other = await findUser(app, 'email', newEmail.canonical)
  const change = newToken(app, {
    purpose: 'email-change',
    subject: account.id,
    userId: account.id,
    emailCanonical: newEmail.canonical,
    payload: { email: newEmail.typed } satisfies AddressPayload,
  })
  const confirmation: NewMail = {
    template: 'confirm-new-email',
    to: newEmail.typed,
    locale: account.locale,
    userId: account.id,
    expiresAt: change.expiresAt,
    data: { ...emailOriginOf(app, request), link: linkTo(app, 'confirm-email', change.token) },
  }
  const warning = other && securityNotice(app, other, 'already-registered', emailOriginOf(app, request))
  const undo = undoOf(app, account, { template: 'email-change-requested', newEmail: newEmail.typed }, request)
  await app.db.$transaction(async tx => {
    await requireUnchanged(tx, account)
    await storeToken(tx, change.row)
    await queueMail(app, tx, warning ?? confirmation)
    await offerUndo(app, tx, undo)
    await record(tx, request, ownEvent(app, 'user.email_change_requested', account.id))
  })
}

/**
 * Makes sure that the password which was proved is still the account's, and keeps it so until the transaction ends: a
 * new one ends the links that were asked for before, and none may come after it from a session that it ended.
 * @throws AuthError REAUTHENTICATION_REQUIRED
 */
async function requireUnchanged(tx: Queryable, { id, emailCanonical, passwordHash }: User): Promise<void> {
  const unchanged = await tx.$queryRaw<unknown[]>`
    SELECT id FROM users WHERE id = ${id}::uuid AND email_canonical = ${emailCanonical}
      AND password_hash = ${passwordHash} AND disabled_at IS NULL FOR NO KEY UPDATE`
  if (unchanged.length === 0) throw new AuthError('REAUTHENTICATION_REQUIRED')
}

type Undo = { row: EmailToken; mail: NewMail }

/**
 * A link that takes back the account's present address, and the notice with it; undefined for an address that was never
 * verified, which is not the account's to hold. Each link has a row of its own: a second change of the address must not
 * end the first owner's.
 */
function undoOf(
  app: App,
  { id, email, emailCanonical, emailVerifiedAt, locale }: User,
  { template, newEmail }: { template: 'email-change-requested' | 'email-changed'; newEmail: string },
  request: RequestInfo,
): Undo | undefined {
  if (!emailVerifiedAt) return undefined
  const payload: AddressPayload = { email }
  const wanted = { purpose: 'email-undo', subject: uuidv7(), userId: id, emailCanonical, payload } as const
  const { row, token, expiresAt } = newToken(app, wanted)
  const data = { ...emailOriginOf(app, request), newEmail, link: linkTo(app, 'undo-email', token) }
  return { row, mail: { template, to: email, locale, userId: id, expiresAt, data } }
}

async function offerUndo(app: App, tx: Queryable, undo: Undo | undefined): Promise<void> {
  if (!undo) return
  await storeToken(tx, undo.row)
  await queueMail(app, tx, undo.mail)
}

/**
 * Gives the account the address that a token was sent to, verified, and notifies the old one if it was verified. Whoever holds the token
 * has proved the mailbox, and so is told if the address has become another account's.
 * @throws AuthError TOKEN_INVALID, EMAIL_TAKEN, ACCOUNT_DISABLED, RATE_LIMITED
 */
export async function confirmEmailChange(app: App, input: unknown, request: RequestInfo): Promise<Account> {
  const { token } = checkInput(tokenSchema, input)
  const id = await countBadTokens(app, request, async () => {
    const change = await peekToken(app, token, 'email-change')
    const user = await requireEnabledOwner(app, change.subject)
    const { email } = change.payload as AddressPayload
    await app.db.$transaction(async tx => {
      await setAddress(app, tx, { id: user.id, emailCanonical: user.emailCanonical }, email, change)
      await redeemToken(app, tx, token, 'email-change')
      await endTokens(app, tx, user.id)
      await offerUndo(app, tx, undoOf(app, user, { template: 'email-changed', newEmail: email }, request))
      await record(tx, request, ownEvent(app, 'user.email_changed', user.id))
    })
    return user.id
  })
  return requireAccount(app, id)
}

/**
 * Keeps the old address, or takes it back, for whoever holds the token that was sent there. Whoever asked for the
 * change may have stolen the account: so it ends all sessions and the password, and mails a link to set a new one.
 * @throws AuthError TOKEN_INVALID, ACCOUNT_DISABLED, RATE_LIMITED; EMAIL_TAKEN when the old address has become another
 *   account's; CONFLICT where MAIL=off
 */
export async function undoEmailChange(app: App, input: unknown, request: RequestInfo): Promise<Account> {
  requireMail(app)
  const { token } = checkInput(tokenSchema, input)
  const id = await countBadTokens(app, request, async () => {
    const undo = await peekToken(app, token, 'email-undo')
    const user = await requireEnabledOwner(app, undo.userId!)
    const { email } = undo.payload as AddressPayload
    await app.db.$transaction(async tx => {
      await setAddress(app, tx, { id: user.id }, email, undo, { passwordHash: null })
      await redeemToken(app, tx, token, 'email-undo')
      await endTokens(app, tx, user.id)
      await keepOnlyDevice(app, tx, user.id, undefined)
      await endUndosSince(app, tx, user.id, undo.createdAt)
      const old = { ...user, email, emailCanonical: undo.emailCanonical }
      const reset = await issueToken(app, tx, resetOf(old))
      await queueMail(app, tx, resetMail(app, old, reset, request))
      await revokeSessions(
        app,
        { userId: user.id },
        {
          action: 'session.revoked',
          request,
          actorId: user.id,
          detail: { because: 'e-mail change undone' },
        },
        tx,
      )
      await record(tx, request, ownEvent(app, 'user.email_change_undone', user.id))
    })
    return user.id
  })
  return requireAccount(app, id)
}

/** Sets an address whose mailbox is proved; the unique index decides whether it is free. */
async function setAddress(
  app: App,
  tx: Queryable,
  where: { id: string; emailCanonical?: string },
  email: string,
  { emailCanonical }: EmailToken,
  more: { passwordHash?: null } = {},
): Promise<void> {
  const now = app.clock.now()
  try {
    const changed = await tx.user.updateMany({
      where: { ...where, disabledAt: null },
      data: { ...more, email, emailCanonical, emailVerifiedAt: now, updatedAt: now },
    })
    if (changed.count === 0) throw new AuthError('TOKEN_INVALID', { cause: 'the account changed meanwhile' })
  } catch (error) {
    throw uniqueNameError(error) ?? error
  }
}

/** Later ones were sent to addresses that came after; earlier ones are of who was here before. */
async function endUndosSince(app: App, tx: Queryable, userId: string, since: Date): Promise<void> {
  await tx.emailToken.updateMany({
    where: { userId, purpose: 'email-undo', usedAt: null, createdAt: { gte: since } },
    data: { usedAt: app.clock.now() },
  })
}

function ownEvent(app: App, action: AuditAction, id: string): AuditEntry {
  return { action, at: app.clock.now(), actorId: id, subjectId: id }
}
