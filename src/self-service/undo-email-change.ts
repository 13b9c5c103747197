import { z } from 'zod'
import { requireAccount } from '../accounts/account.ts'
import type { App } from '../app.ts'
import { record } from '../audit/record.ts'
import type { Account, RequestInfo } from '../context.ts'
import type { Queryable } from '../database/client.ts'
import { keepOnlyDevice } from '../devices/device.ts'
import { checkInput } from '../input.ts'
import { queueMail, requireMail } from '../mail/outbox.ts'
import {
  countInvalidTokens,
  endTokens,
  issueToken,
  peekToken,
  redeemToken,
} from '../one-time-tokens/token.ts'
import { revokeSessions } from '../sessions/revoke.ts'
import type { AddressPayload } from './email-undo-link.ts'
import { resetMail, resetTokenOf } from './password-reset-link.ts'
import { replaceEmail } from './replace-email.ts'
import { requireEnabledOwner } from './token-owner.ts'

const schema = z.object({ token: z.string() })

/**
 * Keeps or restores the old address for the holder of the token that was sent there. The change may have come from a
 * thief, so this also ends all sessions, removes the password and sends a link to set a new one.
 * @throws AuthError TOKEN_INVALID, ACCOUNT_DISABLED, RATE_LIMITED; EMAIL_TAKEN if another account now has the old
 *   address; CONFLICT if MAIL=off
 */
export async function undoEmailChange(app: App, input: unknown, request: RequestInfo): Promise<Account> {
  requireMail(app)
  const { token } = checkInput(schema, input)
  const id = await countInvalidTokens(app, request, () => undoChange(app, token, request))
  return requireAccount(app, id)
}

async function undoChange(app: App, token: string, request: RequestInfo): Promise<string> {
  const undo = await peekToken(app, token, 'email-undo')
  const user = await requireEnabledOwner(app, undo.userId!)
  const { id } = user
  const { email } = undo.payload as AddressPayload
  const restored = { ...user, email, emailCanonical: undo.emailCanonical }
  await app.db.$transaction(async tx => {
    await replaceEmail(app, tx, { id }, undo, { passwordHash: null })
    await redeemToken(app, tx, token, 'email-undo')
    await endTokens(app, tx, id)
    await keepOnlyDevice(app, tx, id, undefined)
    await endUndosSince(app, tx, id, undo.createdAt)
    const reset = await issueToken(app, tx, resetTokenOf(restored))
    await queueMail(app, tx, resetMail(app, restored, reset, request))
    const because = 'email change undone'
    await revokeSessions(
      app,
      { userId: id },
      { action: 'session.revoked', request, actorId: id, detail: { because } },
      tx,
    )
    await record(tx, request, {
      action: 'user.email_change_undone',
      at: app.clock.now(),
      actorId: id,
      subjectId: id,
    })
  })
  return id
}

/** Ends the newer undo links, which belong to addresses set after the change. Older links belong to earlier owners. */
async function endUndosSince(app: App, tx: Queryable, userId: string, since: Date): Promise<void> {
  await tx.emailToken.updateMany({
    where: { userId, purpose: 'email-undo', usedAt: null, createdAt: { gte: since } },
    data: { usedAt: app.clock.now() },
  })
}
