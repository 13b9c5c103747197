import type { App } from '../../app.ts'
import type { Role } from '../../generated/prisma/client.ts'
import { checkInput } from '../../input.ts'
import type { Caller } from '../administer.ts'
import { changeRole, fieldsOf, recordRole, requireHeld, roleSchema } from './role-change.ts'

/**
 * Creates a role.
 * @throws AuthError BAD_USER_INPUT; FORBIDDEN for permissions that the caller lacks; CONFLICT if the name is taken
 */
export async function createRole(app: App, input: unknown, caller: Caller): Promise<Role> {
  const role = checkInput(roleSchema(app), input)
  return changeRole(app, caller, async (tx, heldPermissions) => {
    requireHeld(role.permissions, heldPermissions)
    const created = await tx.role.create({ data: { ...role, description: role.description ?? null } })
    await recordRole(app, tx, caller, 'role.created', { role: created.name, after: fieldsOf(created) })
    return created
  })
}
