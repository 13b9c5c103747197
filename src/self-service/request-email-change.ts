import { z } from 'zod'
import { findUser } from '../accounts/account.ts'
import { emailField } from '../accounts/fields.ts'
import { emailOriginOf, securityNotice } from '../accounts/security-notice.ts'
import type { App } from '../app.ts'
import { record } from '../audit/record.ts'
import type { RequestInfo, Viewer } from '../context.ts'
import type { Queryable } from '../database/client.ts'
import { AuthError, badInput } from '../errors.ts'
import type { User } from '../generated/prisma/client.ts'
import { checkInput } from '../input.ts'
import { linkTo, type NewMail, queueMail, requireMail } from '../mail/outbox.ts'
import { countEmailRequest, mailAttempt } from '../one-time-tokens/email-request.ts'
import { newToken, storeToken } from '../one-time-tokens/token.ts'
import { countAttempt } from '../rate-limit/limit.ts'
import { requireRecentSignIn } from '../sessions/assurance.ts'
import { type AddressPayload, newUndoLink, storeUndoLink } from './email-undo-link.ts'

const schema = z.object({ newEmail: emailField })

/**
 * Sends a confirmation link to the new address. A verified old address receives a notice whose link undoes the change,
 * before or after the change is confirmed. If the new address belongs to another account, the answer is the same, and
 * the owner of that account receives a notice instead of the confirmation link.
 * @throws AuthError REAUTHENTICATION_REQUIRED, STEP_UP_REQUIRED, BAD_USER_INPUT, RATE_LIMITED; CONFLICT if MAIL=off
 */
export async function requestEmailChange(
  app: App,
  input: unknown,
  viewer: Viewer,
  request: RequestInfo,
): Promise<void> {
  requireMail(app)
  await requireRecentSignIn(app, viewer)
  const { newEmail } = checkInput(schema, input)
  const { account } = viewer
  if (newEmail.canonical === account.emailCanonical) {
    throw badInput({ 'input.newEmail': ['This is already your email address.'] })
  }
  await countEmailRequest(app, 'email-change', newEmail.canonical, request)
  if (account.emailVerifiedAt) {
    // Only the link in the notice takes the old address back, so the notice is never omitted. Once the limit for these
    // notices is reached, further changes are refused instead.
    await countAttempt(app, [mailAttempt(app, 'email-undo', account.emailCanonical)], request)
  }
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
  const other = await findUser(app, 'email', newEmail.canonical)
  const warning = other && securityNotice(app, other, 'already-registered', emailOriginOf(app, request))
  const undo = newUndoLink(
    app,
    account,
    { template: 'email-change-requested', newEmail: newEmail.typed },
    request,
  )
  await app.db.$transaction(async tx => {
    await requireUnchanged(tx, account)
    await storeToken(tx, change.row)
    await queueMail(app, tx, warning ?? confirmation)
    await storeUndoLink(app, tx, undo)
    await record(tx, request, {
      action: 'user.email_change_requested',
      at: app.clock.now(),
      actorId: account.id,
      subjectId: account.id,
    })
  })
}

/**
 * Guarantees, until the transaction ends, that the account still has the address and the credentials it had when the
 * request was authenticated. A password change ends all sessions and pending links; without this check, a session that
 * it ended could still create a link afterward.
 * @throws AuthError REAUTHENTICATION_REQUIRED
 */
async function requireUnchanged(tx: Queryable, { id, credentialVersion }: User): Promise<void> {
  const unchanged = await tx.$queryRaw<unknown[]>`
    SELECT id FROM users WHERE id = ${id}::uuid AND credential_version = ${credentialVersion}
      AND disabled_at IS NULL FOR NO KEY UPDATE`
  if (unchanged.length === 0) throw new AuthError('REAUTHENTICATION_REQUIRED')
}
