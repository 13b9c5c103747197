import { z } from 'zod'
import { INCREASE_CREDENTIAL_VERSION } from '../../accounts/credential-version.ts'
import { emailField, labelField } from '../../accounts/fields.ts'
import type { App } from '../../app.ts'
import { type EventOrigin, NO_REQUEST, record } from '../../audit/record.ts'
import type { Queryable } from '../../database/client.ts'
import { AuthError } from '../../errors.ts'
import type { User } from '../../generated/prisma/client.ts'
import { checkInput } from '../../input.ts'
import { queueNotice } from '../../mail/notices.ts'
import { requireRecentSignIn } from '../../sessions/assurance.ts'
import { revokeSessions } from '../../sessions/revoke.ts'
import { administerUser, type Caller } from '../administer.ts'

const reasonField = labelField(500).transform((reason, context) => {
  if (reason !== null) return reason
  context.addIssue('Enter a reason.')
  return z.NEVER
})

const addressSchema = z.object({ email: emailField })

/**
 * Removes every second factor of an account whose owner has lost them: authenticator app, passkeys, security keys,
 * recovery codes and trusted devices. Ends its sessions and notifies the owner. The next sign-in takes the password or
 * the mailbox as before, and must add a factor, which takes a code emailed to the address. Only the audit log shows the
 * reason. Does nothing if the account has no factor.
 * @throws AuthError BAD_USER_INPUT, REAUTHENTICATION_REQUIRED, STEP_UP_REQUIRED, NOT_FOUND; FORBIDDEN for an account
 *   with more permissions than the caller's; CONFLICT for the caller's own account
 */
export async function resetUserFactors(
  app: App,
  id: string,
  reasonInput: string,
  caller: Caller,
): Promise<void> {
  const reason = checkInput(reasonField, reasonInput, 'reason')
  const { viewer, request } = caller
  await requireRecentSignIn(app, viewer)
  const actorId = viewer.account.id
  await administerUser(app, caller, 'users:factors', id, async (tx, target) => {
    if (target.id === actorId) {
      throw new AuthError('CONFLICT', {
        message: 'This is your own account. Another administrator can reset its second factors.',
      })
    }
    await removeFactors(app, tx, target, { reason, request, actorId })
  })
}

/**
 * The same from the command line, for the account with this address, any spelling of it. Returns what was removed.
 * @throws AuthError BAD_USER_INPUT, NOT_FOUND
 */
export async function resetFactorsOf(app: App, address: string, reasonInput: string): Promise<Removed> {
  const reason = checkInput(reasonField, reasonInput, 'reason')
  const { email } = checkInput(addressSchema, { email: address })
  return app.db.$transaction(async tx => {
    await tx.$queryRaw`SELECT FROM users WHERE email_canonical = ${email.canonical} FOR NO KEY UPDATE`
    const account = await tx.user.findUnique({ where: { emailCanonical: email.canonical } })
    if (!account) throw new AuthError('NOT_FOUND', { message: `${email.typed} has no account.` })
    return removeFactors(app, tx, account, { reason, request: NO_REQUEST })
  })
}

/** How many factors of each kind were removed. */
export type Removed = { authenticatorApps: number; passkeys: number; recoveryCodes: number }

const remove = `
  WITH app AS (DELETE FROM totp WHERE user_id = $1::uuid RETURNING user_id),
    keys AS (DELETE FROM passkeys WHERE user_id = $1::uuid RETURNING user_id),
    codes AS (DELETE FROM recovery_codes WHERE user_id = $1::uuid RETURNING user_id),
    waiting AS (DELETE FROM factor_recoveries WHERE user_id = $1::uuid),
    untrusted AS (UPDATE devices SET trusted_until = NULL WHERE user_id = $1::uuid AND trusted_until IS NOT NULL)
  SELECT (SELECT count(*)::int FROM app) AS "authenticatorApps", (SELECT count(*)::int FROM keys) AS passkeys,
    (SELECT count(*)::int FROM codes) AS "recoveryCodes"`

const demandEnrollment = `
  UPDATE users SET enrolment_required = true, second_factor_required = false, factor_failures = 0,
    ${INCREASE_CREDENTIAL_VERSION}, updated_at = $2::timestamptz WHERE id = $1::uuid`

type Reset = { reason: string; request: EventOrigin; actorId?: string }

/** The account must be locked. */
async function removeFactors(
  app: App,
  tx: Queryable,
  target: User,
  { reason, request, actorId }: Reset,
): Promise<Removed> {
  const { id, email, locale } = target
  const [removed = NOTHING] = await tx.$queryRawUnsafe<Removed[]>(remove, id)
  if (Object.values(removed).every(count => count === 0)) return removed
  const at = app.clock.now()
  await tx.$executeRawUnsafe(demandEnrollment, id, at)
  await record(tx, request, {
    action: 'factor.reset',
    at,
    actorId,
    subjectId: id,
    detail: { removed, reason },
  })
  const detail = { because: 'second factors reset' }
  await revokeSessions(app, { userId: id }, { action: 'session.revoked', request, actorId, detail }, tx)
  const data = { at: at.toISOString() }
  await queueNotice(app, tx, target, { template: 'factors-reset', to: email, locale, userId: id, data })
  return removed
}

const NOTHING: Removed = { authenticatorApps: 0, passkeys: 0, recoveryCodes: 0 }
