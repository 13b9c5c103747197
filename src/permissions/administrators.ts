import type { App } from '../app.ts'
import type { Queryable } from '../database/client.ts'
import { AuthError } from '../errors.ts'
import { ADMIN_ROLE } from './permissions.ts'

/**
 * Makes a change that may take an administrator away, in the caller's transaction. Such changes queue here, so
 * that two of them cannot each count on the other's administrator. Call it before anything else in the transaction
 * locks an account, or two of them deadlock. An administrator who was invited and has no password yet, or whose
 * address must be verified first, may never come: such a one does not count beside those who can sign in.
 * @throws AuthError CONFLICT when no administrator, or none who can sign in, would be left; roll back
 */
export async function keepAnAdministrator<Result>(
  app: App,
  tx: Queryable,
  change: () => Promise<Result>,
): Promise<Result> {
  await tx.$queryRaw`SELECT name FROM roles WHERE name = ${ADMIN_ROLE} FOR UPDATE`
  const before = await countAdministrators(app, tx)
  const result = await change()
  const after = await countAdministrators(app, tx)
  if ((before.all > 0 && after.all === 0) || (before.ready > 0 && after.ready === 0)) {
    throw new AuthError('CONFLICT', {
      message: 'This is the last administrator. Make another account one first.',
    })
  }
  return result
}

/** Those who are not disabled, and of them those who can sign in. */
async function countAdministrators({ config }: App, tx: Queryable): Promise<{ all: number; ready: number }> {
  const mustVerify = config.emailVerification === 'required'
  const [count] = await tx.$queryRaw<{ all: number; ready: number }[]>`
    SELECT count(*)::int AS all, count(*) FILTER (
      WHERE u.password_hash IS NOT NULL AND (u.email_verified_at IS NOT NULL OR NOT ${mustVerify}::boolean)
    )::int AS ready
    FROM user_roles r JOIN users u ON u.id = r.user_id WHERE r.role_name = ${ADMIN_ROLE} AND u.disabled_at IS NULL`
  return count ?? { all: 0, ready: 0 }
}
