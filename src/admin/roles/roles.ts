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
import { type Acting, administer, difference } from '../administer.ts'

const roleSchema = (app: App) =>
  z.object({
    name: z
      .string()
      .regex(/^[a-z][a-z0-9-]{1,31}$/, 'Use 2 to 32 of a-z, 0-9 and -, starting with a letter.'),
    description: labelField(200).nullish(),
    permissions: z
      .array(
        z.string().refine(name => app.permissions.includes(name), {
          error: `There is no such permission. There are: ${app.permissions.join(', ')}.`,
        }),
      )
      .transform(names => [...new Set(names)].sort()),
  })

/**
 * Makes a role.
 * @throws AuthError BAD_USER_INPUT; FORBIDDEN for permissions beyond one's own; CONFLICT when the name is taken
 */
export async function createRole(app: App, input: unknown, acting: Acting): Promise<Role> {
  const role = checkInput(roleSchema(app), input)
  return changeRole(app, acting, async (tx, held) => {
    requireHeld(role.permissions, held)
    const created = await tx.role.create({ data: { ...role, description: role.description ?? null } })
    await recordRole(app, tx, acting, 'role.created', { role: created.name, after: factsOf(created) })
    return created
  })
}

/**
 * Gives a role another name, description or permissions; whoever has it keeps it, and it counts from the next request.
 * A description left out stays.
 * @throws AuthError BAD_USER_INPUT, NOT_FOUND; FORBIDDEN for permissions, then or now, beyond one's own; CONFLICT for
 *   a built-in role and a name that is taken
 */
export async function updateRole(app: App, name: string, input: unknown, acting: Acting): Promise<Role> {
  const { description, ...role } = checkInput(roleSchema(app), input)
  return changeRole(app, acting, async (tx, held) => {
    const before = await lockOwnRole(tx, name)
    requireHeld([...neededToGive(app, before.permissions), ...role.permissions], held)
    const after = await tx.role.update({
      where: { name },
      data: { ...role, ...(description !== undefined && { description }) },
    })
    const detail = difference(factsOf(before), factsOf(after))
    if (detail) await recordRole(app, tx, acting, 'role.updated', { role: before.name, ...detail })
    return after
  })
}

/**
 * Removes a role that no account has.
 * @throws AuthError NOT_FOUND; FORBIDDEN for permissions beyond one's own; CONFLICT for a built-in role, and while
 *   accounts have it, with their number
 */
export async function deleteRole(app: App, name: string, acting: Acting): Promise<void> {
  try {
    await changeRole(app, acting, async (tx, held) => {
      const before = await lockOwnRole(tx, name)
      requireHeld(neededToGive(app, before.permissions), held)
      await tx.$executeRaw`DELETE FROM roles WHERE name = ${name}`
      await recordRole(app, tx, acting, 'role.deleted', { role: name, before: factsOf(before) })
    })
  } catch (error) {
    if (!isForeignKeyViolation(error)) throw error
    const count = await app.db.userRole.count({ where: { roleName: name } })
    throw new AuthError('CONFLICT', {
      message: `${count} ${count === 1 ? 'account has' : 'accounts have'} this role. Take it from them first.`,
      extensions: { accounts: count },
      cause: error,
    })
  }
}

async function changeRole<Result>(
  app: App,
  acting: Acting,
  change: (tx: Queryable, held: readonly string[]) => Promise<Result>,
): Promise<Result> {
  try {
    return await administer(app, acting, 'roles:write', change)
  } catch (error) {
    if (violatedUnique(error) === undefined) throw error
    throw new AuthError('CONFLICT', {
      message: 'There is a role with this name already.',
      cause: error,
    })
  }
}

/** The role as it is until the transaction ends. */
async function lockOwnRole(tx: Queryable, name: string): Promise<Role> {
  const [role] = name.includes('\0')
    ? []
    : await tx.$queryRaw<Role[]>`
        SELECT name, description, permissions, built_in AS "builtIn" FROM roles WHERE name = ${name} FOR UPDATE`
  if (!role) throw new AuthError('NOT_FOUND', { message: 'There is no role of this name.' })
  if (role.builtIn)
    throw new AuthError('CONFLICT', { message: 'Built-in roles cannot be changed or deleted.' })
  return role
}

/** Nobody defines what they do not hold, and nobody takes it from others. */
function requireHeld(permissions: readonly string[], held: readonly string[]): void {
  if (permissions.every(permission => held.includes(permission))) return
  throw new AuthError('FORBIDDEN', {
    message: 'You can only define, change and delete roles whose permissions you hold yourself.',
  })
}

type RoleFacts = { name: string; description: string | null; permissions: string[] }

function factsOf({ name, description, permissions }: Role): RoleFacts {
  return { name, description, permissions }
}

function recordRole(
  app: App,
  tx: Queryable,
  { viewer, request }: Acting,
  action: AuditAction,
  detail: { role: string; before?: Partial<RoleFacts>; after?: Partial<RoleFacts> },
): Promise<void> {
  return record(tx, request, { action, at: app.clock.now(), actorId: viewer.account.id, detail })
}
