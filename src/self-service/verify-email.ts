import { z } from 'zod'
import { requireAccount } from '../accounts/account.ts'
import { type PendingRegistration, voidPendingRegistrations } from '../accounts/pending-registration.ts'
import { uniqueNameError } from '../accounts/unique-names.ts'
import type { App } from '../app.ts'
import { record } from '../audit/record.ts'
import { requireSignUpAllowed } from '../before-sign-up.ts'
import type { Account, RequestInfo } from '../context.ts'
import { storePendingPasskey } from '../credentials/passkey/new-passkey.ts'
import { type Queryable, violatedUnique } from '../database/client.ts'
import { AuthError } from '../errors.ts'
import type { EmailToken } from '../generated/prisma/client.ts'
import { checkInput } from '../input.ts'
import { countInvalidTokens, peekToken, redeemToken } from '../one-time-tokens/token.ts'
import { DEFAULT_ROLE } from '../permissions/permissions.ts'
import { type OpenedIdentity, openIdentity } from '../sign-in/identity-ticket.ts'
import { newIdentity } from '../sign-in/new-identity.ts'

const schema = z.object({ token: z.string(), ticket: z.string().nullish() })

/**
 * Verifies the address that a token was sent to. For a pending registration, this creates the account; if another
 * account has taken the username since, the account is created without a username. If the registration began with an
 * identity at a provider, the identity joins the account only if the caller has the ticket of that registration.
 * @throws AuthError TOKEN_INVALID, RATE_LIMITED, SIGN_UP_REFUSED
 */
export async function verifyEmail(app: App, input: unknown, request: RequestInfo): Promise<Account> {
  const { token, ticket } = checkInput(schema, input)
  const id = await countInvalidTokens(app, request, async () => {
    const row = await peekToken(app, token, 'verify', 'registration')
    if (row.purpose !== 'registration') return verifyAddress(app, token, row, request)
    await requireSignUpAllowed(app, attemptOf(row.payload as PendingRegistration), request)
    return completeRegistration(app, token, ticket ?? undefined, row, request)
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
  ticket: string | undefined,
  row: EmailToken,
  request: RequestInfo,
): Promise<string> {
  const pending = row.payload as PendingRegistration
  try {
    return await createAccount(app, token, row, pending, joiningIdentity(app, ticket, pending), request)
  } catch (error) {
    if (violatedUnique(error) === undefined) throw error
    // Otherwise this link or another has already created the account.
    if (uniqueNameError(error)?.code !== 'USERNAME_TAKEN')
      throw new AuthError('TOKEN_INVALID', { cause: error })
  }
  const nameless = { ...row, payload: { ...pending, username: null } }
  return completeRegistration(app, token, ticket, nameless, request)
}

/** The operator may have changed their mind since the registration was stored. */
function attemptOf({ email, username, displayName, locale, passkey, passwordHash }: PendingRegistration) {
  const method = passkey ? 'PASSKEY' : passwordHash === null ? 'PROVIDER' : 'PASSWORD'
  return { email, username, displayName, locale, method, emailVerified: true } as const
}

/**
 * The identity that the registration began with, if the caller holds its ticket. Otherwise the caller only reads the
 * mailbox, and the person who began may be a stranger. An expired ticket is ignored, so that the link still works.
 */
function joiningIdentity(
  app: App,
  ticket: string | undefined,
  { identityTicket }: PendingRegistration,
): OpenedIdentity | undefined {
  if (ticket === undefined || identityTicket === undefined) return undefined
  try {
    const opened = openIdentity(app, ticket, 'sign-up')
    return opened.id === identityTicket ? opened : undefined
  } catch (error) {
    if (error instanceof AuthError) return undefined
    throw error
  }
}

async function createAccount(
  app: App,
  token: string,
  { subject: id, emailCanonical }: EmailToken,
  { email, username, displayName, locale, passwordHash, passkey }: PendingRegistration,
  joining: OpenedIdentity | undefined,
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
    const joined = joining && (await joinIdentity(app, tx, id, joining))
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
      ...(joined ? [{ ...event, action: 'identity.linked', detail: joined } as const] : []),
    )
  })
  return id
}

/** Adds the identity to the new account, unless another account has it or its ticket was used since. */
async function joinIdentity(
  app: App,
  tx: Queryable,
  userId: string,
  { id, expiresAt, profile }: OpenedIdentity,
): Promise<{ provider: string; identityId: string } | undefined> {
  const spent = await tx.spentTicket.createMany({ data: [{ id, expiresAt }], skipDuplicates: true })
  if (spent.count === 0) return undefined
  const row = newIdentity(app, userId, profile)
  const added = await tx.identity.createMany({ data: [row], skipDuplicates: true })
  return added.count === 0 ? undefined : { provider: row.provider, identityId: row.id }
}
