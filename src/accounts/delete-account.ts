import type { App } from '../app.ts'
import { type EventOrigin, NO_REQUEST, record } from '../audit/record.ts'
import { requestErasure } from '../audit/redact.ts'
import { isId, type Queryable } from '../database/client.ts'
import { AuthError } from '../errors.ts'
import type { User } from '../generated/prisma/client.ts'
import { forgetNotices } from '../mail/notices.ts'
import { queueMail } from '../mail/outbox.ts'
import { keepAnAdministrator } from '../permissions/administrators.ts'

/**
 * Removes an account with everything that belongs to it, in the caller's transaction: roles, tokens and mails. Its
 * sessions end, and the audit log keeps what happened, without personal data: call `deleteSessionsOf` and
 * `redactAccount` after the transaction, for there may be more rows than it has time for. Says good-bye by email where
 * the address is verified. Call this first in the transaction, for it locks (see `keepAnAdministrator`). Returns the
 * ids to call `redactAccount` with.
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
  // Accounts that were asked for with this address; the account's own tokens went with it.
  const waiting = { emailCanonical, userId: null }
  const asked = await tx.emailToken.findMany({ where: waiting, select: { subject: true } })
  await tx.emailToken.deleteMany({ where: waiting })
  const erased = [userId, ...(await twinsOf(tx, userId, removed)), ...asked.map(({ subject }) => subject)]
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

/** The registrations of the same address that the account's own one ended; see self-service/verify-email.ts. */
async function twinsOf(tx: Queryable, subjectId: string, { createdAt }: Removed): Promise<string[]> {
  // By the time, for which there is an index: an account may have very many events.
  const where = { action: 'user.registered', at: createdAt, subjectId }
  const registered = await tx.auditEvent.findFirst({ where, select: { detail: true } })
  const { twins = [] } = (registered?.detail ?? {}) as { twins?: string[] }
  return twins
}

type Removed = Pick<User, 'email' | 'emailCanonical' | 'emailVerifiedAt' | 'locale' | 'createdAt'>

/** The sessions end with the account. Their rows are left, with a note that they are to be deleted. */
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
  if (!removed) throw new AuthError('NOT_FOUND', { message: 'There is no account with this id.' })
  return removed
}
