import type { Queryable } from '../database/client.ts'
import { AuthError } from '../errors.ts'
import { ADMIN_ROLE } from './permissions.ts'

/**
 * Makes a change that may take an administrator away, in the caller's transaction. Such changes queue here, so
 * that two of them cannot each count on the other's administrator. Call it before anything else in the transaction
 * locks an account, or two of them deadlock.
 * @throws AuthError CONFLICT when no administrator who can sign in would be left; roll back
 */
export async function keepAnAdministrator<Result>(
  tx: Queryable,
  change: () => Promise<Result>,
): Promise<Result> {
  await tx.$queryRaw`SELECT name FROM roles WHERE name = ${ADMIN_ROLE} FOR UPDATE`
  const before = await countAdministrators(tx)
  const result = await change()
  if (before > 0 && (await countAdministrators(tx)) === 0) {
    throw new AuthError('CONFLICT', {
      message: 'This is the last administrator. Make another account one first.',
    })
  }
  return result
}

function countAdministrators(tx: Queryable): Promise<number> {
  return tx.userRole.count({ where: { roleName: ADMIN_ROLE, user: { disabledAt: null } } })
}
