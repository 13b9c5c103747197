import type { App } from '../app.ts'
import type { Queryable } from '../database/client.ts'
import { AuthError } from '../errors.ts'
import { hasWayIn, offeredWays } from '../ways-in.ts'
import { ADMIN_ROLE } from './permissions.ts'

/**
 * Runs a change that may remove an administrator, in the caller's transaction. A lock on the role runs such changes one
 * after the other, so that two of them cannot remove the last two administrators. Call it before the transaction locks
 * an account; otherwise two such transactions can deadlock. Administrators who cannot sign in yet, because they have
 * no way in (see ways-in.ts) or must verify their address first, do not replace the last one who can.
 * @throws AuthError CONFLICT if no administrator, or none who can sign in, would remain; roll back
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
      message: 'This is the last administrator. Make another account an administrator first.',
    })
  }
  return result
}

/** Counts the administrators who are not disabled, and those among them who can sign in. */
async function countAdministrators(app: App, tx: Queryable): Promise<{ all: number; ready: number }> {
  const mustVerify = app.config.emailVerification === 'required'
  const [count] = await tx.$queryRawUnsafe<{ all: number; ready: number }[]>(
    COUNT,
    ADMIN_ROLE,
    mustVerify,
    ...offeredWays(app),
  )
  return count ?? { all: 0, ready: 0 }
}

const COUNT = `
  SELECT count(*)::int AS all, count(*) FILTER (
    WHERE ${hasWayIn(3)} AND (u.email_verified_at IS NOT NULL OR NOT $2::boolean)
  )::int AS ready
  FROM user_roles r JOIN users u ON u.id = r.user_id WHERE r.role_name = $1 AND u.disabled_at IS NULL`
