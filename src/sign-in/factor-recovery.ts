import { z } from 'zod'
import { emailOriginOf } from '../accounts/security-notice.ts'
import type { App } from '../app.ts'
import { record } from '../audit/record.ts'
import { addSeconds } from '../clock.ts'
import type { RequestInfo } from '../context.ts'
import { demandedOnEveryDevice } from '../credentials/demand.ts'
import { proveEnrollmentCode } from '../credentials/enrollment-code.ts'
import type { Proof } from '../credentials/proof.ts'
import type { Queryable } from '../database/client.ts'
import { AuthError } from '../errors.ts'
import type { FactorRecovery, User } from '../generated/prisma/client.ts'
import { checkInput } from '../input.ts'
import { linkTo, queueMail, requireMail } from '../mail/outbox.ts'
import { countInvalidTokens, hashOf, newSecret } from '../one-time-tokens/token.ts'
import { removeFactors } from './remove-factors.ts'
import { type OpenedSignIn, openSignIn, requireUnchanged, ticketInvalid } from './sign-in-ticket.ts'

/** How long a recovery can be completed after the wait. */
const COMPLETION_SECONDS = 7 * 86_400

const schema = z.object({ ticket: z.string(), emailCode: z.string() })

/**
 * Recovers an account whose owner has lost every second factor, in two calls. Both take a sign-in with the password that
 * demands a second factor, and a code emailed for its ticket. The first begins a wait, of which the owner is notified
 * with a link to cancel it, and reminded halfway. The second, after the wait, removes the factors; the next sign-in must add one. A factor that
 * is proved during the wait cancels the recovery.
 * @returns when the recovery can be completed; in the past if it was completed now
 * @throws AuthError BAD_USER_INPUT, TICKET_INVALID, CODE_INVALID, RATE_LIMITED; CONFLICT unless the server allows it, for
 *   a sign-in without the password, and for an account whose role demands a second factor
 */
export async function requestFactorRecovery(app: App, input: unknown, request: RequestInfo): Promise<Date> {
  const waitSeconds = requireFactorRecovery(app)
  const { ticket, emailCode } = checkInput(schema, input)
  const pending = openSignIn(app, 'secondFactor', ticket)
  const account = await requireUnchanged(app, pending)
  if (!pending.proofs.some(({ method }) => method === 'PASSWORD'))
    throw new AuthError('CONFLICT', { message: 'Sign in with your password to recover your account.' })
  const proof = await proveEnrollmentCode(app, pending.id, account, emailCode, request)
  return app.db.$transaction(async tx => {
    await lock(app, tx, account)
    await useUp(tx, pending.id, proof)
    const begun = await openRecovery(app, tx, account.id)
    if (!begun) return begin(app, tx, account, waitSeconds, request)
    if (begun.readyAt > app.clock.now()) return begun.readyAt
    // Of a cancellation and this at the same time, the one that deletes the row has its effect.
    const { userId, tokenHash } = begun
    const claimed = await tx.factorRecovery.deleteMany({ where: { userId, tokenHash } })
    if (claimed.count === 0) return begin(app, tx, account, waitSeconds, request)
    const removal = { action: 'factor.recovered', template: 'factors-recovered' } as const
    await removeFactors(app, tx, account, { ...removal, request, actorId: account.id })
    return begun.readyAt
  })
}

/** The sign-in of a ticket that demands a second factor; undefined for any other, and if this server recovers none. */
export function recoveringSignIn(app: App, ticket: string): OpenedSignIn | undefined {
  if (app.config.factorRecoveryWaitSeconds === null) return undefined
  try {
    return openSignIn(app, 'secondFactor', ticket)
  } catch (error) {
    if (error instanceof AuthError) return undefined
    throw error
  }
}

/** @throws AuthError CONFLICT */
function requireFactorRecovery(app: App): number {
  const { factorRecoveryWaitSeconds } = app.config
  if (factorRecoveryWaitSeconds === null) {
    throw new AuthError('CONFLICT', {
      message: 'This server does not recover lost second factors. Contact an administrator.',
    })
  }
  requireMail(app)
  return factorRecoveryWaitSeconds
}

/** Orders simultaneous recoveries, and this after any change of what signs in. */
async function lock(app: App, tx: Queryable, { id, credentialVersion }: User): Promise<void> {
  const [locked] = await tx.$queryRawUnsafe<{ demanded: boolean }[]>(
    `SELECT ${demandedOnEveryDevice('$3::timestamptz')} AS demanded FROM users u
     WHERE u.id = $1::uuid AND u.credential_version = $2::int AND u.disabled_at IS NULL FOR NO KEY UPDATE OF u`,
    id,
    credentialVersion,
    app.clock.now(),
  )
  if (!locked) throw ticketInvalid('the account has changed')
  if (!locked.demanded) return
  throw new AuthError('CONFLICT', {
    message: 'Your role requires a second factor. Ask an administrator to reset yours.',
  })
}

async function useUp(tx: Queryable, subject: string, { claim }: Proof): Promise<void> {
  const used = await tx.emailCode.deleteMany({ where: { subject } })
  if (used.count === 0) throw claim?.lost() ?? new AuthError('CODE_INVALID')
}

/** The recovery that has begun, unless it has expired or a factor was proved since. */
export async function openRecovery(
  app: App,
  tx: Queryable,
  userId: string,
): Promise<FactorRecovery | undefined> {
  const begun = await tx.factorRecovery.findFirst({ where: { userId, expiresAt: { gt: app.clock.now() } } })
  if (!begun) return undefined
  const since = { gt: begun.requestedAt }
  const factors = [{ totpAt: since }, { passkeyAt: since }, { keyAt: since }, { recoveryAt: since }]
  const proved = await tx.session.findFirst({ where: { userId, OR: factors }, select: { id: true } })
  return proved ? undefined : begun
}

async function begin(
  app: App,
  tx: Queryable,
  { id: userId, email, locale }: User,
  waitSeconds: number,
  request: RequestInfo,
): Promise<Date> {
  const at = app.clock.now()
  const readyAt = addSeconds(at, waitSeconds)
  const token = newSecret()
  const row = {
    tokenHash: hashOf(token),
    remindedAt: null,
    reminderHash: null,
    requestedAt: at,
    readyAt,
    expiresAt: addSeconds(readyAt, COMPLETION_SECONDS),
  }
  await tx.factorRecovery.upsert({ where: { userId }, create: { userId, ...row }, update: row })
  const data = { ...emailOriginOf(app, request), link: linkTo(app, 'cancel-recovery', token) }
  // Not a notice with a quota: without this email, the owner could not cancel.
  await queueMail(app, tx, {
    template: 'factor-recovery',
    to: email,
    locale,
    userId,
    expiresAt: row.expiresAt,
    data: { ...data, readyAt: readyAt.toISOString() },
  })
  await record(tx, request, { action: 'factor.recovery_requested', at, actorId: userId, subjectId: userId })
  return readyAt
}

const cancelSchema = z.object({ token: z.string() })

/**
 * Cancels a recovery with the token from the email about it.
 * @throws AuthError BAD_USER_INPUT, TOKEN_INVALID, RATE_LIMITED
 */
export async function cancelFactorRecovery(app: App, input: unknown, request: RequestInfo): Promise<void> {
  const { token } = checkInput(cancelSchema, input)
  await countInvalidTokens(app, request, () =>
    app.db.$transaction(async tx => {
      const recovery = await findRecovery(tx, app.clock.now(), token)
      if (!recovery) throw new AuthError('TOKEN_INVALID')
      const { userId, tokenHash } = recovery
      const canceled = await tx.factorRecovery.deleteMany({ where: { userId, tokenHash } })
      if (canceled.count === 0) throw new AuthError('TOKEN_INVALID')
      const event = { action: 'factor.recovery_canceled', at: app.clock.now(), subjectId: userId } as const
      await record(tx, request, { ...event, actorId: userId })
    }),
  )
}

/** The recovery that a token from either email cancels, if there is one. */
export async function findRecovery(tx: Queryable, now: Date, token: string): Promise<FactorRecovery | null> {
  const hash = hashOf(token)
  const either = [{ tokenHash: hash }, { reminderHash: hash }]
  return tx.factorRecovery.findFirst({ where: { OR: either, expiresAt: { gt: now } } })
}
