import { z } from 'zod'
import { labelField } from '../../accounts/fields.ts'
import type { App } from '../../app.ts'
import type { AuditAction } from '../../audit/actions.ts'
import { record } from '../../audit/record.ts'
import { isForeignKeyViolation, type Queryable, violatedUnique } from '../../database/client.ts'
import { AuthError } from '../../errors.ts'
import type { Role } from '../../generated/prisma/client.ts'
import { checkInput } from '../../input.ts'
import { neededToGive } from '../../permissions/grants.ts'
import { administer, type Caller, changedFields } from '../administer.ts'

const roleSchema = (app: App) =>
  z.object({
    name: z
      .string()
      .regex(/^[a-z][a-z0-9-]{1,31}$/, 'Use 2 to 32 characters from a-z, 0-9 and -, starting with a letter.'),
    description: labelField(200).nullish(),
    permissions: z
      .array(
        z.string().refine(name => app.permissions.includes(name), {
          error: `There is no such permission. Permissions: ${app.permissions.join(', ')}.`,
        }),
      )
      .transform(names => [...new Set(names)].sort()),
  })

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
    const count = await app.db.userRole.count({ where: { roleName: name } })
    throw new AuthError('CONFLICT', {
      message: `${count} ${count === 1 ? 'account has' : 'accounts have'} this role. Remove it from them first.`,
      extensions: { accounts: count },
      cause: error,
    })
  }
}

async function changeRole<Result>(
  app: App,
  caller: Caller,
  change: (tx: Queryable, heldPermissions: readonly string[]) => Promise<Result>,
): Promise<Result> {
  try {
    return await administer(app, caller, 'roles:write', change)
  } catch (error) {
    if (violatedUnique(error) === undefined) throw error
    throw new AuthError('CONFLICT', {
      message: 'There is already a role with this name.',
      cause: error,
    })
  }
}

/** A role that is not built in, locked until the transaction ends. */
async function lockCustomRole(tx: Queryable, name: string): Promise<Role> {
  const [role] = name.includes('\0')
    ? []
    : await tx.$queryRaw<Role[]>`
        SELECT name, description, permissions, built_in AS "builtIn" FROM roles WHERE name = ${name} FOR UPDATE`
  if (!role) throw new AuthError('NOT_FOUND', { message: 'There is no role with this name.' })
  if (role.builtIn)
    throw new AuthError('CONFLICT', { message: 'Built-in roles can’t be changed or deleted.' })
  return role
}

/** Callers can neither grant nor revoke permissions that they lack. */
function requireHeld(permissions: readonly string[], heldPermissions: readonly string[]): void {
  if (permissions.every(permission => heldPermissions.includes(permission))) return
  throw new AuthError('FORBIDDEN', {
    message: 'You can only create, change and delete roles whose permissions you hold.',
  })
}

type RoleFields = { name: string; description: string | null; permissions: string[] }

function fieldsOf({ name, description, permissions }: Role): RoleFields {
  return { name, description, permissions }
}

function recordRole(
  app: App,
  tx: Queryable,
  { viewer, request }: Caller,
  action: AuditAction,
  detail: { role: string; before?: Partial<RoleFields>; after?: Partial<RoleFields> },
): Promise<void> {
  return record(tx, request, { action, at: app.clock.now(), actorId: viewer.account.id, detail })
}
