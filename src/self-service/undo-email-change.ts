import { z } from 'zod'
import { requireAccount } from '../accounts/account.ts'
import type { App } from '../app.ts'
import { record } from '../audit/record.ts'
import type { Account, RequestInfo } from '../context.ts'
import type { Queryable } from '../database/client.ts'
import { keepOnlyDevice } from '../devices/device.ts'
import type { User } from '../generated/prisma/client.ts'
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
import type { Removed } from '../sign-in/remove-factors.ts'
import { isWayInLeft } from '../ways-in.ts'
import type { AddressPayload } from './email-undo-link.ts'
import { resetMail, resetTokenOf } from './password-reset-link.ts'
import { replaceEmail } from './replace-email.ts'
import { requireEnabledOwner } from './token-owner.ts'

const schema = z.object({ token: z.string() })

/**
 * Keeps or restores the old address for the holder of the token that was sent there. The change may have come from a
 * thief, so this also ends all sessions, deletes the API keys and removes the password and the factors and identities added since. Sends a link
 * to set a new password; an account that had none, but has another way in, is signed in to as before.
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
    const removed = await removeSince(tx, id, undo.emailCanonical)
    await sayHowToSignIn(app, tx, restored, request)
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
      detail: { removed },
    })
  })
  return id
}

/** Call it last: it depends on what is left to sign in with. */
async function sayHowToSignIn(app: App, tx: Queryable, restored: User, request: RequestInfo): Promise<void> {
  const { id: userId, email: to, locale, passwordHash } = restored
  if (passwordHash === null && (await isWayInLeft(app, tx, userId))) {
    const data = { at: app.clock.now().toISOString() }
    return queueMail(app, tx, { template: 'email-change-undone', to, locale, userId, data })
  }
  const reset = await issueToken(app, tx, resetTokenOf(restored))
  await queueMail(app, tx, resetMail(app, restored, reset, request))
}

type RemovedSince = Removed & { identities: number; apiKeys: number }

/** A change has two links to undo it: one from when it was requested, and one from when it was confirmed. */
const removal = `
  WITH began AS (
      SELECT min(created_at) AS at FROM email_tokens
      WHERE user_id = $1::uuid AND purpose = 'email-undo' AND email_canonical = $2
    ),
    app AS (DELETE FROM totp USING began WHERE user_id = $1::uuid AND created_at >= began.at RETURNING user_id),
    keys AS (DELETE FROM passkeys USING began WHERE user_id = $1::uuid AND created_at >= began.at RETURNING user_id),
    ids AS (DELETE FROM identities USING began WHERE user_id = $1::uuid AND created_at >= began.at RETURNING user_id),
    codes AS (DELETE FROM recovery_codes WHERE user_id = $1::uuid RETURNING user_id),
    api AS (DELETE FROM api_keys WHERE user_id = $1::uuid RETURNING user_id)
  SELECT (SELECT count(*)::int FROM app) AS "authenticatorApps", (SELECT count(*)::int FROM keys) AS passkeys,
    (SELECT count(*)::int FROM ids) AS identities,
    (SELECT count(*)::int FROM codes) AS "recoveryCodes", (SELECT count(*)::int FROM api) AS "apiKeys"`

/**
 * Removes the factors and identities that were added since the change from `formerEmail` was requested, which may be those
 * of the person who requested it. Also removes all recovery codes and API keys: no time tells who asked for them. Factors from before stay, so
 * that the mailbox alone does not get past them.
 */
async function removeSince(
  tx: Queryable,
  userId: string,
  formerEmail: string,
): Promise<Partial<RemovedSince>> {
  const [removed = {}] = await tx.$queryRawUnsafe<Partial<RemovedSince>[]>(removal, userId, formerEmail)
  return removed
}

/** Ends the newer undo links, which belong to addresses set after the change. Older links belong to earlier owners. */
async function endUndosSince(app: App, tx: Queryable, userId: string, since: Date): Promise<void> {
  await tx.emailToken.updateMany({
    where: { userId, purpose: 'email-undo', usedAt: null, createdAt: { gte: since } },
    data: { usedAt: app.clock.now() },
  })
}
