import type { App } from '../../app.ts'
import type { Queryable } from '../../database/client.ts'
import { AuthError } from '../../errors.ts'

/**
 * Requires that the account still has a way to sign in: a password, or a passkey of the current domain. Call it in the
 * transaction that removes one, with the account's row locked, so that of two removals at the same time the second fails.
 * @throws AuthError CONFLICT
 */
export async function requireWayIn({ config }: App, tx: Queryable, userId: string): Promise<void> {
  const { enabled, rpId } = config.passkeys
  const [left] = await tx.$queryRaw<{ hasWay: boolean }[]>`
    SELECT u.password_hash IS NOT NULL OR (${enabled} AND EXISTS (
      SELECT FROM passkeys p WHERE p.user_id = u.id AND p.discoverable AND p.rp_id = ${rpId}
    )) AS "hasWay" FROM users u WHERE u.id = ${userId}::uuid`
  if (left?.hasWay) return
  throw new AuthError('CONFLICT', {
    message: 'This is the only way to sign in to your account. Add a passkey or set a password first.',
  })
}
