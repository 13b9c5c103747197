import type { App } from '../app.ts'
import { forgetSome, UNFINISHED } from '../audit/forget.ts'
import { NOWHERE, type Origin, record } from '../audit/record.ts'
import { isId, type Queryable } from '../database/client.ts'
import { AuthError } from '../errors.ts'
import type { User } from '../generated/prisma/client.ts'
import { forgetNotices } from '../mail/notices.ts'
import { queueMail } from '../mail/outbox.ts'
import { keepAnAdministrator } from '../permissions/administrators.ts'

/**
 * Removes an account with everything that belongs to it, in the caller's transaction: sessions, roles, tokens and
 * mails. The audit log keeps what happened, without personal data: call `forgetPerson` after the transaction, for there
 * may be more events than it has time for. Says good-bye by email where the address
 * is verified. Call this first in the transaction, for it locks (see
 * `keepAnAdministrator`).
 * @throws AuthError NOT_FOUND; CONFLICT for the last administrator
 */
export async function deleteAccountOf(
  app: App,
  tx: Queryable,
  userId: string,
  { actorId, request }: { actorId: string; request: Origin },
): Promise<void> {
  const removed = await keepAnAdministrator(app, tx, () => removeUser(tx, userId))
  const { email, emailCanonical, locale } = removed
  // Accounts that were asked for with this address; the account's own tokens went with it.
  await tx.emailToken.deleteMany({ where: { emailCanonical, userId: null } })
  await tx.mail.deleteMany({ where: { userId } })
  await forgetNotices(tx, userId)
  const more = await forgetSome(tx, userId)
  const at = app.clock.now()
  await record(tx, actorId === userId ? NOWHERE : request, {
    action: 'user.deleted',
    at,
    actorId,
    subjectId: userId,
    detail: more ? UNFINISHED : {},
  })
  if (!removed.emailVerifiedAt) return
  await queueMail(app, tx, {
    template: 'account-deleted',
    to: email,
    locale,
    data: { at: at.toISOString() },
  })
}

type Removed = Pick<User, 'email' | 'emailCanonical' | 'emailVerifiedAt' | 'locale'>

async function removeUser(tx: Queryable, id: string): Promise<Removed> {
  const [removed] = isId(id)
    ? await tx.$queryRaw<Removed[]>`
        DELETE FROM users WHERE id = ${id}::uuid
        RETURNING email, email_canonical AS "emailCanonical", email_verified_at AS "emailVerifiedAt", locale`
    : []
  if (!removed) throw new AuthError('NOT_FOUND', { message: 'There is no account with this id.' })
  return removed
}
