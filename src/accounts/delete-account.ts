import type { App } from '../app.ts'
import { type EventOrigin, NO_REQUEST, record } from '../audit/record.ts'
import { requestErasure } from '../audit/redact.ts'
import { isId, type Queryable } from '../database/client.ts'
import { AuthError } from '../errors.ts'
import type { User } from '../generated/prisma/client.ts'
import { forgetNotices } from '../mail/notices.ts'
import { queueMail } from '../mail/outbox.ts'
import { keepAnAdministrator } from '../permissions/administrators.ts'
import { voidPendingRegistrations } from './pending-registration.ts'

/**
 * Deletes an account with its roles, tokens and emails, and ends its sessions, in the caller's transaction. Sends a
 * last email to the address if it is verified.
 *
 * Session rows and personal data in the audit log remain, because there may be more rows than a transaction has time
 * for: after the transaction, call `deleteSessionsOf` and `redactAccount`. Call this function first in the
 * transaction, because it takes a lock (see `keepAnAdministrator`).
 * @returns the IDs to pass to `redactAccount`
 * @throws AuthError NOT_FOUND; CONFLICT for the last administrator
 */
export async function deleteAccountOf(
  app: App,
  tx: Queryable,
  userId: string,
  { actorId, request }: { actorId: string; request: EventOrigin },
): Promise<string[]> {
  const removed = await keepAnAdministrator(app, tx, () => removeUser(app, tx, userId))
  const { email, emailCanonical, locale } = removed
  // Registrations of this address that are still pending. The account's own tokens are already deleted with it.
  const pendingIds = await voidPendingRegistrations(tx, emailCanonical, userId)
  const erased = [userId, ...(await twinsOf(tx, userId, removed)), ...pendingIds]
  await tx.mail.deleteMany({ where: { userId: { in: erased } } })
  await forgetNotices(tx, userId)
  const at = app.clock.now()
  await requestErasure(tx, at, erased)
  await record(tx, actorId === userId ? NO_REQUEST : request, {
    action: 'user.deleted',
    at,
    actorId,
    subjectId: userId,
  })
  if (!removed.emailVerifiedAt) return erased
  await queueMail(app, tx, {
    template: 'account-deleted',
    to: email,
    locale,
    data: { at: at.toISOString() },
  })
  return erased
}

/** The IDs of other registrations of the address, which became void when the account was created (verify-email.ts). */
async function twinsOf(tx: Queryable, subjectId: string, { createdAt }: Removed): Promise<string[]> {
  // The time has an index. An account may have a large number of events.
  const where = { action: 'user.registered', at: createdAt, subjectId }
  const registered = await tx.auditEvent.findFirst({ where, select: { detail: true } })
  const { twins = [] } = (registered?.detail ?? {}) as { twins?: string[] }
  return twins
}

type Removed = Pick<User, 'email' | 'emailCanonical' | 'emailVerifiedAt' | 'locale' | 'createdAt'>

/** Deletes the user. The sessions end immediately; their rows remain and are marked for deletion. */
async function removeUser(app: App, tx: Queryable, id: string): Promise<Removed> {
  const [removed] = isId(id)
    ? await tx.$queryRaw<Removed[]>`
        WITH removed AS (DELETE FROM users WHERE id = ${id}::uuid RETURNING *), ending AS (
          INSERT INTO session_endings (user_id, epoch, at)
          SELECT id, session_epoch + 1, ${app.clock.now()}::timestamptz FROM removed
        ) SELECT email, email_canonical AS "emailCanonical", email_verified_at AS "emailVerifiedAt", locale,
          created_at AS "createdAt"
        FROM removed`
    : []
  if (!removed) throw new AuthError('NOT_FOUND', { message: 'There is no account with this ID.' })
  return removed
}
