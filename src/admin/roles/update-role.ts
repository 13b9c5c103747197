import type { App } from '../../app.ts'
import type { Role } from '../../generated/prisma/client.ts'
import { checkInput } from '../../input.ts'
import { neededToGive } from '../../permissions/grants.ts'
import { type Caller, changedFields } from '../administer.ts'
import { changeRole, fieldsOf, lockCustomRole, recordRole, requireHeld, roleSchema } from './role-change.ts'

/**
 * Replaces the name, description and permissions of a role, effective from the next request of its holders. An omitted
 * description stays.
 * @throws AuthError BAD_USER_INPUT, NOT_FOUND; FORBIDDEN if the caller lacks a permission of the role, before or after
 *   the change; CONFLICT for a built-in role and for a name that is taken
 */
export async function updateRole(app: App, name: string, input: unknown, caller: Caller): Promise<Role> {
  const { description, ...role } = checkInput(roleSchema(app), input)
  return changeRole(app, caller, async (tx, heldPermissions) => {
    const before = await lockCustomRole(tx, name)
    requireHeld([...neededToGive(app, before.permissions), ...role.permissions], heldPermissions)
    const after = await tx.role.update({
      where: { name },
      data: { ...role, ...(description !== undefined && { description }) },
    })
    const detail = changedFields(fieldsOf(before), fieldsOf(after))
    if (detail) await recordRole(app, tx, caller, 'role.updated', { role: before.name, ...detail })
    return after
  })
}
