import { toUser } from '../accounts/accounts.types.ts'
import type { Account } from '../context.ts'
import { AuthError } from '../errors.ts'
import { requireTime } from '../input.ts'

/**
 * The condition that an account has not changed since a caller read it; none if the caller expects nothing. A trigger
 * makes every `updatedAt` of an account later than the one before.
 * @throws AuthError BAD_USER_INPUT
 */
export function unchangedSince(expectedUpdatedAt: Date | null | undefined): { updatedAt?: Date } {
  return expectedUpdatedAt ? { updatedAt: requireTime('expectedUpdatedAt', expectedUpdatedAt) } : {}
}

/** The fields that administrators change, as they are now. */
const SHOWN = [
  'updatedAt',
  'email',
  'emailVerified',
  'username',
  'displayName',
  'locale',
  'roles',
  'publicMetadata',
  'privateMetadata',
  'disabledAt',
] as const

/**
 * The error for a caller who expected another `updatedAt`. `extensions.current` has the values of the account, so that the
 * caller can compare and decide; callers who may not read accounts don't receive it.
 */
export function changedMeanwhile(target: Account, heldPermissions: readonly string[]): AuthError {
  const user = toUser(target)
  const current = Object.fromEntries(SHOWN.map(name => [name, user[name]]))
  return new AuthError('CONFLICT', {
    message: 'This account has changed since you loaded it. Check the current values, then try again.',
    ...(heldPermissions.includes('users:read') && { extensions: { current } }),
  })
}
