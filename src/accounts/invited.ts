import type { User } from '../generated/prisma/client.ts'

/** The facts that an invitation's state follows from. */
type InvitationFacts = Pick<User, 'invitedAt' | 'passwordChangedAt' | 'lastLoginAt'>

/**
 * When an account that waits for its owner was last invited; null if it was never invited, or if its owner has set a
 * password or signed in since, in whatever way.
 */
export function waitingSince({ invitedAt, passwordChangedAt, lastLoginAt }: InvitationFacts): Date | null {
  return passwordChangedAt || lastLoginAt ? null : invitedAt
}

/** The same condition for a guarded update. */
export const WAITING = { invitedAt: { not: null }, passwordChangedAt: null, lastLoginAt: null } as const

/**
 * For a guarded update: accounts whose owner has never come, invited or not. Nothing signs in to them yet. An account
 * without a password is not one of them if its owner has signed in, or can, in another way.
 */
export const NEVER_CAME = {
  passwordHash: null,
  passwordChangedAt: null,
  lastLoginAt: null,
  passkeys: { none: {} },
  identities: { none: {} },
} as const
