import { z } from 'zod'
import type { App } from '../app.ts'
import { record } from '../audit/record.ts'
import type { RequestFacts } from '../context.ts'
import { violatedUnique } from '../database/client.ts'
import { AuthError } from '../errors.ts'
import type { EmailToken, User } from '../generated/prisma/client.ts'
import { checkInput } from '../input.ts'
import { linkTo, requireMail } from '../mail/outbox.ts'
import type { Origin } from '../mail/texts.ts'
import { DEFAULT_ROLE } from '../permissions/permissions.ts'
import { type Account, findUser, requireAccount } from './account.ts'
import { countBadTokens, newToken, peekToken, redeemToken, type WantedToken } from './email-token.ts'
import { emailField } from './fields.ts'
import { countMail, inFixedTime, requestMail } from './mail-request.ts'
import { takenName } from './taken.ts'
import { findWaiting, type WaitingAccount } from './waiting.ts'

const tokenSchema = z.object({ token: z.string() })
const emailSchema = z.object({ email: emailField })

type Recipient = { to: string; locale: string; origin: Origin }

/** A token that verifies an address, with its mail, which says where the address was given. */
function newVerification(app: App, wanted: WantedToken, { to, locale, origin }: Recipient) {
  const { token, expiresAt, row } = newToken(app, wanted)
  const mail = {
    template: 'verify-email' as const,
    to,
    locale,
    data: { ...origin, waits: !wanted.userId, link: linkTo(app, 'verify-email', token) },
    expiresAt,
    userId: wanted.subject,
  }
  return { row, mail }
}

/** The verification that an account waits for: its id will be `subject`. */
export function verificationOfWaiting(
  app: App,
  subject: string,
  emailCanonical: string,
  account: WaitingAccount,
) {
  const { email: to, locale, asked: origin } = account
  const wanted = { purpose: 'registration', subject, emailCanonical, payload: account } as const
  return newVerification(app, wanted, { to, locale, origin })
}

/** The verification of an account's present address. */
export function verificationOf(app: App, { id, email, emailCanonical, locale }: User, origin: Origin) {
  const wanted = { purpose: 'verify', subject: id, userId: id, emailCanonical } as const
  return newVerification(app, wanted, { to: email, locale, origin })
}

/**
 * Sends another link to an address that waits to be verified. Does the same for every address, in text and in
 * time, but for the mail.
 * @throws AuthError BAD_USER_INPUT, RATE_LIMITED; CONFLICT where MAIL=off
 */
export async function resendVerification(app: App, input: unknown, request: RequestFacts): Promise<void> {
  requireMail(app)
  const { email } = checkInput(emailSchema, input)
  await countMail(app, 'verify', email.canonical, request)
  await inFixedTime(async () => {
    const known = await findUser(app, 'email', email.canonical)
    const waiting = await findWaiting(app, email.canonical, request)
    const wanted = verificationFor(app, email.canonical, known, waiting)
    await requestMail(
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
  waiting: Awaited<ReturnType<typeof findWaiting>>,
) {
  if (known?.emailVerifiedAt || known?.disabledAt) return undefined
  if (known) {
    // What is still known of when and where.
    const origin = { at: known.createdAt.toISOString(), device: null, ipAddress: null }
    return verificationOf(app, known, origin)
  }
  return waiting && verificationOfWaiting(app, waiting.subject, emailCanonical, waiting.account)
}

/**
 * Verifies the address that a token was sent to, and makes the account where that waited for it. If somebody else
 * has taken its username meanwhile, it is made without one.
 * @throws AuthError TOKEN_INVALID, RATE_LIMITED
 */
export async function verifyEmail(app: App, input: unknown, request: RequestFacts): Promise<Account> {
  const { token } = checkInput(tokenSchema, input)
  const id = await countBadTokens(app, request, async () => {
    const row = await peekToken(app, token, 'verify', 'registration')
    return row.purpose === 'registration'
      ? makeWaiting(app, token, row, request)
      : verifyAddress(app, token, row, request)
  })
  return requireAccount(app, id)
}

async function verifyAddress(
  app: App,
  token: string,
  { subject: id, emailCanonical }: EmailToken,
  request: RequestFacts,
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

async function makeWaiting(app: App, token: string, row: EmailToken, request: RequestFacts): Promise<string> {
  const waiting = row.payload as WaitingAccount
  try {
    return await makeAccount(app, token, row, waiting, request)
  } catch (error) {
    if (violatedUnique(error) === undefined) throw error
    // By this link or another the account is there already.
    if (takenName(error)?.code !== 'USERNAME_TAKEN') throw new AuthError('TOKEN_INVALID', { cause: error })
  }
  return makeWaiting(app, token, { ...row, payload: { ...waiting, username: null } }, request)
}

async function makeAccount(
  app: App,
  token: string,
  { subject: id, emailCanonical }: EmailToken,
  { email, username, displayName, locale, passwordHash }: WaitingAccount,
  request: RequestFacts,
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
