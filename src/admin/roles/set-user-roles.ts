import { newCredentialVersion } from '../../accounts/credential-version.ts'
import type { App } from '../../app.ts'
import { record } from '../../audit/record.ts'
import type { Queryable } from '../../database/client.ts'
import { AuthError, badInput } from '../../errors.ts'
import { neededToGive } from '../../permissions/grants.ts'
import { administerUser, type Caller } from '../administer.ts'
import { changedMeanwhile, unchangedSince } from '../changed-meanwhile.ts'

/**
 * Replaces a user's roles. With `expectedUpdatedAt`, changes nothing if the account has changed since then.
 * @throws AuthError BAD_USER_INPUT naming roles that do not exist; FORBIDDEN for a role, or an account, with a permission
 *   that the caller lacks; NOT_FOUND; CONFLICT if no administrator would be left, or the account has changed
 */
export async function setUserRoles(
  app: App,
  id: string,
  names: string[],
  caller: Caller,
  expectedUpdatedAt?: Date | null,
): Promise<void> {
  const after = [...new Set(names)]
  const at = app.clock.now()
  await administerUser(app, caller, 'roles:write', id, async (tx, target, heldPermissions) => {
    await requireGrantable(app, tx, after, heldPermissions, 'roles')
    const unchanged = await tx.user.updateMany({
      where: { id, ...unchangedSince(expectedUpdatedAt) },
      data: { updatedAt: at, ...newCredentialVersion },
    })
    if (unchanged.count === 0) throw changedMeanwhile(target, heldPermissions)
    await tx.userRole.deleteMany({ where: { userId: id } })
    await tx.userRole.createMany({ data: after.map(roleName => ({ userId: id, roleName })) })
    await record(tx, caller.request, {
      action: 'user.roles_changed',
      at,
      actorId: caller.viewer.account.id,
      subjectId: id,
      detail: { before: [...target.roles], after: after.sort() },
    })
  })
}

/**
 * Callers can only grant permissions that they hold.
 * @throws AuthError BAD_USER_INPUT naming roles that do not exist; FORBIDDEN
 */
export async function requireGrantable(
  app: App,
  tx: Queryable,
  names: string[],
  heldPermissions: readonly string[],
  field: string,
): Promise<void> {
  const roles = await tx.role.findMany({ where: { name: { in: names.filter(isStorable) } } })
  const unknown = names.filter(name => !roles.some(role => role.name === name))
  if (unknown.length > 0) {
    throw badInput({
      [field]: unknown.map(name => `There is no role named ${JSON.stringify(name.slice(0, 50))}.`),
    })
  }
  const granted = roles.flatMap(role => neededToGive(app, role.permissions))
  if (granted.every(permission => heldPermissions.includes(permission))) return
  throw new AuthError('FORBIDDEN', {
    message: 'You can only assign roles whose permissions you hold.',
  })
}

/** PostgreSQL rejects U+0000. */
function isStorable(name: string): boolean {
  return !name.includes('\0')
}
