import { z } from 'zod'
import { findUser, requireAccount } from '../accounts/account.ts'
import { emailField } from '../accounts/fields.ts'
import { findPendingRegistration, type PendingRegistration } from '../accounts/pending-registration.ts'
import { uniqueNameError } from '../accounts/unique-names.ts'
import type { App } from '../app.ts'
import { record } from '../audit/record.ts'
import type { Account, RequestInfo } from '../context.ts'
import { violatedUnique } from '../database/client.ts'
import { AuthError } from '../errors.ts'
import type { EmailToken, User } from '../generated/prisma/client.ts'
import { checkInput } from '../input.ts'
import { requireMail } from '../mail/outbox.ts'
import { countEmailRequest, inConstantTime, storeEmailRequest } from '../one-time-tokens/email-request.ts'
import { countBadTokens, peekToken, redeemToken } from '../one-time-tokens/token.ts'
import { verificationOf, verificationOfPending } from '../one-time-tokens/verification.ts'
import { DEFAULT_ROLE } from '../permissions/permissions.ts'

const tokenSchema = z.object({ token: z.string() })
const emailSchema = z.object({ email: emailField })

/**
 * Sends another link to an address that waits to be verified. Does the same for every address, in text and in
 * time, but for the mail.
 * @throws AuthError BAD_USER_INPUT, RATE_LIMITED; CONFLICT where MAIL=off
 */
export async function resendVerification(app: App, input: unknown, request: RequestInfo): Promise<void> {
  requireMail(app)
  const { email } = checkInput(emailSchema, input)
  await countEmailRequest(app, 'verify', email.canonical, request)
  await inConstantTime(async () => {
    const known = await findUser(app, 'email', email.canonical)
    const waiting = await findPendingRegistration(app, email.canonical, request)
    const wanted = verificationFor(app, email.canonical, known, waiting)
    await storeEmailRequest(
      app,
      {
        tokens: wanted ? [wanted.row] : [],
        mails: wanted ? [wanted.mail] : [],
        event: {
          action: 'user.verification_requested',
          at: app.clock.now(),
          subjectId: known?.id ?? waiting?.subject,
        },
      },
      request,
    )
  })
}

function verificationFor(
  app: App,
  emailCanonical: string,
  known: User | undefined,
  waiting: Awaited<ReturnType<typeof findPendingRegistration>>,
) {
  if (known?.emailVerifiedAt || known?.disabledAt) return undefined
  if (known) {
    // What is still known of when and where.
    const origin = { at: known.createdAt.toISOString(), device: null, ipAddress: null }
    return verificationOf(app, known, origin)
  }
  return waiting && verificationOfPending(app, waiting.subject, emailCanonical, waiting.account)
}

/**
 * Verifies the address that a token was sent to, and makes the account where that waited for it. If somebody else
 * has taken its username meanwhile, it is made without one.
 * @throws AuthError TOKEN_INVALID, RATE_LIMITED
 */
export async function verifyEmail(app: App, input: unknown, request: RequestInfo): Promise<Account> {
  const { token } = checkInput(tokenSchema, input)
  const id = await countBadTokens(app, request, async () => {
    const row = await peekToken(app, token, 'verify', 'registration')
    return row.purpose === 'registration'
      ? createPending(app, token, row, request)
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

async function createPending(
  app: App,
  token: string,
  row: EmailToken,
  request: RequestInfo,
): Promise<string> {
  const waiting = row.payload as PendingRegistration
  try {
    return await makeAccount(app, token, row, waiting, request)
  } catch (error) {
    if (violatedUnique(error) === undefined) throw error
    // By this link or another the account is there already.
    if (uniqueNameError(error)?.code !== 'USERNAME_TAKEN')
      throw new AuthError('TOKEN_INVALID', { cause: error })
  }
  return createPending(app, token, { ...row, payload: { ...waiting, username: null } }, request)
}

async function makeAccount(
  app: App,
  token: string,
  { subject: id, emailCanonical }: EmailToken,
  { email, username, displayName, locale, passwordHash }: PendingRegistration,
  request: RequestInfo,
): Promise<string> {
  const now = app.clock.now()
  await app.db.$transaction(async tx => {
    // First, so that of two tokens for one address the unique index lets one go on.
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
        passwordChangedAt: now,
        createdAt: now,
        updatedAt: now,
        roles: { create: [{ roleName: DEFAULT_ROLE }] },
      },
    })
    await redeemToken(app, tx, token, 'registration')
    // Whatever else waits for the address is void, and holds password hashes; its mails hold the address.
    const others = { purpose: 'registration', emailCanonical, subject: { not: id } }
    const voided = await tx.emailToken.findMany({ where: others, select: { subject: true } })
    const twins = voided.map(({ subject }) => subject)
    await tx.mail.deleteMany({ where: { userId: { in: twins } } })
    await tx.emailToken.deleteMany({ where: { purpose: 'registration', emailCanonical } })
    const [actorId, subjectId] = [id, id]
    await record(
      tx,
      request,
      // By their ids, what is on record of them is found and forgotten when the account is deleted.
      { action: 'user.registered', at: now, actorId, subjectId, detail: twins.length > 0 ? { twins } : {} },
      { action: 'user.email_verified', at: now, actorId, subjectId },
    )
  })
  return id
}
