import type { App } from '../../app.ts'
import { isForeignKeyViolation } from '../../database/client.ts'
import { AuthError } from '../../errors.ts'
import { neededToGive } from '../../permissions/grants.ts'
import type { Caller } from '../administer.ts'
import { changeRole, fieldsOf, lockCustomRole, recordRole, requireHeld } from './role-change.ts'

/**
 * Deletes a role that no account has.
 * @throws AuthError NOT_FOUND; FORBIDDEN if the caller lacks a permission of the role; CONFLICT for a built-in role, and
 *   while accounts have the role, with their number
 */
export async function deleteRole(app: App, name: string, caller: Caller): Promise<void> {
  try {
    await changeRole(app, caller, async (tx, heldPermissions) => {
      const before = await lockCustomRole(tx, name)
      requireHeld(neededToGive(app, before.permissions), heldPermissions)
      await tx.$executeRaw`DELETE FROM roles WHERE name = ${name}`
      await recordRole(app, tx, caller, 'role.deleted', { role: name, before: fieldsOf(before) })
    })
  } catch (error) {
    if (!isForeignKeyViolation(error)) throw error
    const where = { roleName: name }
    const count =
      (await app.db.userRole.count({ where })) + (await app.db.serviceAccountRole.count({ where }))
    throw new AuthError('CONFLICT', {
      message: `${count} ${count === 1 ? 'account has' : 'accounts have'} this role. Remove it from them first.`,
      extensions: { accounts: count },
      cause: error,
    })
  }
}
