import { INCREASE_CREDENTIAL_VERSION } from '../accounts/credential-version.ts'
import type { App } from '../app.ts'
import { type EventOrigin, record } from '../audit/record.ts'
import type { Queryable } from '../database/client.ts'
import type { User } from '../generated/prisma/client.ts'
import { queueNotice } from '../mail/notices.ts'
import { revokeSessions } from '../sessions/revoke.ts'

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

type Removal = {
  action: 'factor.reset' | 'factor.recovered'
  template: 'factors-reset' | 'factors-recovered'
  reason?: string
  request: EventOrigin
  actorId?: string
}

/**
 * Removes every second factor of an account in the caller's transaction, with the account's row locked: authenticator
 * app, passkeys, security keys, recovery codes and the trust in devices. Ends its sessions and notifies the owner. The
 * next sign-in must add a factor. Does nothing if the account has no factor. Returns what was removed.
 */
export async function removeFactors(
  app: App,
  tx: Queryable,
  target: User,
  { action, template, reason, request, actorId }: Removal,
): Promise<Removed> {
  const { id, email, locale } = target
  const [removed = NOTHING] = await tx.$queryRawUnsafe<Removed[]>(remove, id)
  if (Object.values(removed).every(count => count === 0)) return removed
  const at = app.clock.now()
  await tx.$executeRawUnsafe(demandEnrollment, id, at)
  await record(tx, request, {
    action,
    at,
    actorId,
    subjectId: id,
    detail: { removed, ...(reason !== undefined && { reason }) },
  })
  const detail = { because: action === 'factor.reset' ? 'second factors reset' : 'second factors recovered' }
  await revokeSessions(app, { userId: id }, { action: 'session.revoked', request, actorId, detail }, tx)
  const data = { at: at.toISOString() }
  await queueNotice(app, tx, target, { template, to: email, locale, userId: id, data })
  return removed
}

const NOTHING: Removed = { authenticatorApps: 0, passkeys: 0, recoveryCodes: 0 }
