import type { App } from '../app.ts'
import { AuthError } from '../errors.ts'
import type { User } from '../generated/prisma/client.ts'

/**
 * The account that a token belongs to.
 * @throws AuthError TOKEN_INVALID if the account no longer exists; ACCOUNT_DISABLED
 */
export async function requireEnabledOwner(app: App, id: string): Promise<User> {
  const user = await app.db.user.findUnique({ where: { id } })
  if (!user) throw new AuthError('TOKEN_INVALID', { cause: 'the account no longer exists' })
  if (user.disabledAt) throw new AuthError('ACCOUNT_DISABLED')
  return user
}
