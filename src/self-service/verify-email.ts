import { z } from 'zod'
import { requireAccount } from '../accounts/account.ts'
import { type PendingRegistration, voidPendingRegistrations } from '../accounts/pending-registration.ts'
import { uniqueNameError } from '../accounts/unique-names.ts'
import type { App } from '../app.ts'
import { record } from '../audit/record.ts'
import type { Account, RequestInfo } from '../context.ts'
import { storePendingPasskey } from '../credentials/passkey/new-passkey.ts'
import { violatedUnique } from '../database/client.ts'
import { AuthError } from '../errors.ts'
import type { EmailToken } from '../generated/prisma/client.ts'
import { checkInput } from '../input.ts'
import { countInvalidTokens, peekToken, redeemToken } from '../one-time-tokens/token.ts'
import { DEFAULT_ROLE } from '../permissions/permissions.ts'

const schema = z.object({ token: z.string() })

/**
 * Verifies the address that a token was sent to. For a pending registration, this creates the account; if another
 * account has taken the username since, the account is created without a username.
 * @throws AuthError TOKEN_INVALID, RATE_LIMITED
 */
export async function verifyEmail(app: App, input: unknown, request: RequestInfo): Promise<Account> {
  const { token } = checkInput(schema, input)
  const id = await countInvalidTokens(app, request, async () => {
    const row = await peekToken(app, token, 'verify', 'registration')
    return row.purpose === 'registration'
      ? completeRegistration(app, token, row, request)
      : verifyAddress(app, token, row, request)
  })
  return requireAccount(app, id)
}

async function verifyAddress(
  app: App,
  token: string,
  { subject: id, emailCanonical }: EmailToken,
  request: RequestInfo,
): Promise<string> {
  const now = app.clock.now()
  await app.db.$transaction(async tx => {
    const verified = await tx.user.updateMany({
      where: { id, emailCanonical },
      data: { emailVerifiedAt: now, updatedAt: now },
    })
    if (verified.count === 0) throw new AuthError('TOKEN_INVALID', { cause: 'the address has changed' })
    await redeemToken(app, tx, token, 'verify')
    await record(tx, request, { action: 'user.email_verified', at: now, actorId: id, subjectId: id })
  })
  return id
}

async function completeRegistration(
  app: App,
  token: string,
  row: EmailToken,
  request: RequestInfo,
): Promise<string> {
  const pending = row.payload as PendingRegistration
  try {
    return await createAccount(app, token, row, pending, request)
  } catch (error) {
    if (violatedUnique(error) === undefined) throw error
    // Otherwise this link or another has already created the account.
    if (uniqueNameError(error)?.code !== 'USERNAME_TAKEN')
      throw new AuthError('TOKEN_INVALID', { cause: error })
  }
  return completeRegistration(app, token, { ...row, payload: { ...pending, username: null } }, request)
}

async function createAccount(
  app: App,
  token: string,
  { subject: id, emailCanonical }: EmailToken,
  { email, username, displayName, locale, passwordHash, passkey }: PendingRegistration,
  request: RequestInfo,
): Promise<string> {
  const now = app.clock.now()
  await app.db.$transaction(async tx => {
    // This comes first so that, of two tokens for one address, the unique index lets one continue.
    await tx.user.create({
      data: {
        id,
        email,
        emailCanonical,
        emailVerifiedAt: now,
        username,
        displayName,
        locale,
        passwordHash,
        passwordChangedAt: passwordHash === null ? null : now,
        createdAt: now,
        updatedAt: now,
        roles: { create: [{ roleName: DEFAULT_ROLE }] },
      },
    })
    if (passkey) await storePendingPasskey(tx, id, passkey)
    await redeemToken(app, tx, token, 'registration')
    const twins = await voidPendingRegistrations(tx, emailCanonical, id)
    // The used link stays until it expires, without the password's hash, so that `emailLink` can say what it did.
    await tx.emailToken.updateMany({
      where: { purpose: 'registration', subject: id },
      data: { userId: id, payload: {} },
    })
    const event = { at: now, actorId: id, subjectId: id }
    await record(
      tx,
      request,
      // The IDs of the void registrations, so that deleting the account also redacts their audit events.
      { ...event, action: 'user.registered', detail: twins.length > 0 ? { twins } : {} },
      { ...event, action: 'user.email_verified' },
    )
  })
  return id
}
