import { z } from 'zod'
import { labelField } from '../../accounts/fields.ts'
import type { App } from '../../app.ts'
import type { AuditAction } from '../../audit/actions.ts'
import { type EventOrigin, record } from '../../audit/record.ts'
import { type Queryable, violatedUnique } from '../../database/client.ts'
import { AuthError } from '../../errors.ts'
import type { Role } from '../../generated/prisma/client.ts'
import { administer, type Caller } from '../administer.ts'

export const roleSchema = (app: App) =>
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

/** Runs a change of role definitions. Throws CONFLICT for a taken name, and the errors of `administer`. */
export async function changeRole<Result>(
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

/** A role, locked until the transaction ends. Throws NOT_FOUND. */
export async function lockRole(tx: Queryable, name: string): Promise<Role> {
  const [role] = name.includes('\0')
    ? []
    : await tx.$queryRaw<Role[]>`
        SELECT name, description, permissions, built_in AS "builtIn",
          second_factor_required_from AS "secondFactorRequiredFrom" FROM roles WHERE name = ${name} FOR UPDATE`
  if (!role) throw new AuthError('NOT_FOUND', { message: 'There is no role with this name.' })
  return role
}

/** A role that is not built in, locked until the transaction ends. Throws NOT_FOUND, CONFLICT. */
export async function lockCustomRole(tx: Queryable, name: string): Promise<Role> {
  const role = await lockRole(tx, name)
  if (role.builtIn)
    throw new AuthError('CONFLICT', { message: 'Built-in roles can’t be changed or deleted.' })
  return role
}

/** Callers can neither grant nor revoke permissions that they lack. */
export function requireHeld(permissions: readonly string[], heldPermissions: readonly string[]): void {
  if (permissions.every(permission => heldPermissions.includes(permission))) return
  throw new AuthError('FORBIDDEN', {
    message: 'You can only create, change and delete roles whose permissions you hold.',
  })
}

type RoleFields = { name: string; description: string | null; permissions: string[] }
type RoleDetail = Partial<RoleFields> | { secondFactorRequiredFrom: string | null }

export function fieldsOf({ name, description, permissions }: Role): RoleFields {
  return { name, description, permissions }
}

/** Who changes a role: a signed-in user, or the command line. */
export type RecordedBy = { viewer?: Caller['viewer']; request: EventOrigin }

export function recordRole(
  app: App,
  tx: Queryable,
  { viewer, request }: RecordedBy,
  action: AuditAction,
  detail: { role: string; before?: RoleDetail; after?: RoleDetail },
): Promise<void> {
  return record(tx, request, { action, at: app.clock.now(), actorId: viewer?.account.id, detail })
}
