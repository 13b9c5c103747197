import type { App } from './app.ts'
import type { Queryable } from './database/client.ts'
import { AuthError } from './errors.ts'

/**
 * The ways in which the owner of an account can begin a sign-in on this server: the password, a passkey of the current
 * domain, an email to a verified address, and an identity at a provider that is still configured. A security key or a code alone begins none, and neither does “Forgot
 * password”, which replaces the password.
 */

/** SQL for whether account `u` has a way in. Its three parameters, which are `offeredWays`, start at `$first`. */
export const hasWayIn = (first: number) => `(u.password_hash IS NOT NULL
  OR EXISTS (SELECT FROM passkeys p WHERE p.user_id = u.id AND p.discoverable AND p.rp_id = $${first}::text)
  OR ($${first + 1}::boolean AND u.email_verified_at IS NOT NULL)
  OR EXISTS (SELECT FROM identities i WHERE i.user_id = u.id AND i.provider = ANY($${first + 2}::text[])))`

/** What this server offers: the parameters of `hasWayIn`. */
export function offeredWays(
  app: Pick<App, 'config'>,
): [passkeyDomain: string | null, emailLogin: boolean, providers: string[]] {
  const { emailLogin, providers } = app.config
  return [usableDomain(app), emailLogin, providers.map(({ id }) => id)]
}

/** The domain whose passkeys can be used on this server; null with PASSKEYS=off. */
export function usableDomain({ config }: Pick<App, 'config'>): string | null {
  const { enabled, rpId } = config.passkeys
  return enabled ? rpId : null
}

/**
 * Requires that the account still has a way in. Call it in the transaction that removes one, after a change that locks
 * the account's row, so that of two removals at the same time the second fails.
 * @throws AuthError CONFLICT; roll back
 */
export async function requireWayIn(app: App, tx: Queryable, userId: string): Promise<void> {
  if (await isWayInLeft(app, tx, userId)) return
  throw new AuthError('CONFLICT', {
    message: 'This is the only way to sign in to your account. Add a passkey or set a password first.',
  })
}

/** Whether the account has a way in. */
export async function isWayInLeft(app: App, tx: Queryable, userId: string): Promise<boolean> {
  const [left] = await tx.$queryRawUnsafe<{ hasWay: boolean }[]>(
    `SELECT ${hasWayIn(2)} AS "hasWay" FROM users u WHERE u.id = $1::uuid`,
    userId,
    ...offeredWays(app),
  )
  return left?.hasWay ?? false
}
