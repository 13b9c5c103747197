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
