import type { App } from '../../app.ts'
import { NO_REQUEST } from '../../audit/record.ts'
import { hasUsableFactor } from '../../credentials/has-factor.ts'
import type { Queryable } from '../../database/client.ts'
import { AuthError } from '../../errors.ts'
import type { Role } from '../../generated/prisma/client.ts'
import { requireTime } from '../../input.ts'
import { neededToGive } from '../../permissions/grants.ts'
import { usableDomain } from '../../ways-in.ts'
import { type Caller, changedFields } from '../administer.ts'
import { changeRole, lockRole, type RecordedBy, recordRole, requireHeld } from './role-change.ts'

/**
 * Requires a second factor from everyone with the role, from a time on, or no longer requires it with null. From then
 * on, weaker sessions of these people can do nothing until they add a factor or confirm theirs. Works for built-in
 * roles too.
 * @throws AuthError BAD_USER_INPUT, NOT_FOUND; FORBIDDEN if the caller lacks a permission of the role; CONFLICT if the
 *   caller has the role but no second factor, and would be locked out
 */
export async function setRoleSecondFactor(
  app: App,
  name: string,
  requiredFrom: Date | null | undefined,
  caller: Caller,
): Promise<Role> {
  const from = requiredFrom ? requireTime('requiredFrom', requiredFrom) : null
  return changeRole(app, caller, async (tx, heldPermissions) => {
    const before = await lockRole(tx, name)
    requireHeld(neededToGive(app, before.permissions), heldPermissions)
    if (from) await requireOwnFactor(app, tx, name, caller)
    return setRequirement(app, tx, before, from, caller)
  })
}

/**
 * The same from the command line. Returns the role and how many people with it have no second factor yet.
 * @throws AuthError BAD_USER_INPUT, NOT_FOUND
 */
export async function requireSecondFactorOf(
  app: App,
  name: string,
  requiredFrom: Date | null,
): Promise<{ role: Role; without: number }> {
  const from = requiredFrom && requireTime('from', requiredFrom)
  const role = await app.db.$transaction(async tx =>
    setRequirement(app, tx, await lockRole(tx, name), from, { request: NO_REQUEST }),
  )
  const [people] = await app.db.$queryRawUnsafe<{ without: number }[]>(countWithout, name, usableDomain(app))
  return { role, without: people?.without ?? 0 }
}

const countWithout = `
  SELECT count(*)::int AS without FROM user_roles r JOIN users u ON u.id = r.user_id
  WHERE r.role_name = $1 AND u.disabled_at IS NULL AND NOT ${hasUsableFactor('$2')}`

/** Stores and records the requirement, in the caller's transaction. */
async function setRequirement(
  app: App,
  tx: Queryable,
  before: Role,
  from: Date | null,
  caller: RecordedBy,
): Promise<Role> {
  const after = await tx.role.update({
    where: { name: before.name },
    data: { secondFactorRequiredFrom: from },
  })
  const detail = changedFields(timeOf(before), timeOf(after))
  if (detail) await recordRole(app, tx, caller, 'role.updated', { role: before.name, ...detail })
  return after
}

/** @throws AuthError CONFLICT */
async function requireOwnFactor(app: App, tx: Queryable, role: string, { viewer }: Caller): Promise<void> {
  const [locked] = await tx.$queryRawUnsafe<unknown[]>(
    `SELECT FROM users u JOIN user_roles r ON r.user_id = u.id
     WHERE u.id = $1::uuid AND r.role_name = $2 AND NOT ${hasUsableFactor('$3')}`,
    viewer.account.id,
    role,
    usableDomain(app),
  )
  if (!locked) return
  throw new AuthError('CONFLICT', {
    message: 'You have this role but no second factor. Add a passkey or an authenticator app first.',
  })
}

function timeOf({ secondFactorRequiredFrom }: Role) {
  return { secondFactorRequiredFrom: secondFactorRequiredFrom?.toISOString() ?? null }
}
