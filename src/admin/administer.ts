import { uniqueNameError } from '../accounts/unique-names.ts'
import type { App } from '../app.ts'
import { recordDeniedAccess } from '../audit/denied-access.ts'
import type { Account, Context, RequestInfo, Viewer } from '../context.ts'
import { isId, type Queryable } from '../database/client.ts'
import { AuthError, unauthenticated } from '../errors.ts'
import { permissionsOfService } from '../oauth/permissions-of-service.ts'
import { keepAnAdministrator } from '../permissions/administrators.ts'
import { permissionsIn } from '../permissions/cut.ts'
import { toGrants } from '../permissions/grants.ts'

/** A signed-in user, or a program, that calls the mutation `operation`. */
export type Caller = { viewer: Viewer; request: RequestInfo; operation: string }

/** @throws AuthError UNAUTHENTICATED */
export async function callerOf({ viewer, request }: Context, operation: string): Promise<Caller> {
  return { viewer: await viewer(), request, operation }
}

/**
 * Runs an administrative change in one transaction. All such changes take the same lock, and the caller's permissions
 * are checked again under it, so a caller who was demoted or disabled in the meantime changes nothing, and neither does an
 * API key that was deleted. `change` receives the permissions that the caller holds; those of an API key are cut to the key's.
 * @throws AuthError FORBIDDEN if the caller lacks `permission`; CONFLICT if no administrator would be left;
 *   EMAIL_TAKEN, USERNAME_TAKEN
 */
export async function administer<Result>(
  app: App,
  { viewer, request, operation }: Caller,
  permission: string,
  change: (tx: Queryable, heldPermissions: readonly string[]) => Promise<Result>,
): Promise<Result> {
  const actorId = viewer.account.id
  try {
    return await app.db.$transaction(tx =>
      keepAnAdministrator(app, tx, async () => {
        const held = permissionsIn(viewer, await heldBy(app, tx, viewer))
        if (!held.includes(permission)) throw new AuthError('FORBIDDEN')
        await requireKeyStill(tx, viewer)
        return change(tx, held)
      }),
    )
  } catch (error) {
    if (error instanceof AuthError && error.code === 'FORBIDDEN') {
      await recordDeniedAccess(app, request, actorId, `Mutation.${operation}`)
    }
    throw uniqueNameError(error) ?? error
  }
}

/** The permissions that the caller's account holds now: none if it was deleted or disabled in the meantime. */
async function heldBy(app: App, tx: Queryable, { account, via }: Viewer): Promise<readonly string[]> {
  if (via.kind === 'serviceAccount') return permissionsOfService(app, tx, account.id)
  const actor = await findAccount(app, tx, account.id)
  return actor && !actor.disabledAt ? actor.permissions : []
}

/** @throws AuthError UNAUTHENTICATED if the caller's API key was deleted after the request was authenticated */
async function requireKeyStill(tx: Queryable, { via }: Viewer): Promise<void> {
  if (via.kind !== 'apiKey') return
  const [key] = await tx.$queryRaw<object[]>`SELECT FROM api_keys WHERE id = ${via.apiKey.id}::uuid`
  if (!key) throw unauthenticated('REVOKED')
}

/**
 * Like `administer`, for a change to one account, which is locked. The caller must hold every permission that the
 * account holds; otherwise anyone who may change accounts could take over an administrator's.
 * @throws AuthError NOT_FOUND, and the errors of `administer`
 */
export function administerUser<Result>(
  app: App,
  caller: Caller,
  permission: string,
  userId: string,
  change: (tx: Queryable, target: Account, heldPermissions: readonly string[]) => Promise<Result>,
): Promise<Result> {
  return administer(app, caller, permission, async (tx, heldPermissions) => {
    if (isId(userId)) await tx.$queryRaw`SELECT FROM users WHERE id = ${userId}::uuid FOR NO KEY UPDATE`
    const target = isId(userId) ? await findAccount(app, tx, userId) : undefined
    if (!target) throw new AuthError('NOT_FOUND', { message: 'There is no account with this ID.' })
    if (!target.permissions.every(held => heldPermissions.includes(held))) {
      throw new AuthError('FORBIDDEN', {
        message:
          'This account has permissions that yours lacks. Only an account with the same permissions can change it.',
      })
    }
    return change(tx, target, heldPermissions)
  })
}

async function findAccount(app: App, tx: Queryable, id: string): Promise<Account | undefined> {
  const found = await tx.user.findUnique({ where: { id }, include: { roles: { include: { role: true } } } })
  if (!found) return undefined
  const { roles, ...user } = found
  const grants = toGrants(
    app,
    roles.map(({ role }) => role),
  )
  return { ...user, ...grants }
}

/** For the audit log: the fields that a change replaced, before and after. Undefined if nothing changed. */
export function changedFields<Fields extends Record<string, unknown>>(before: Fields, after: Fields) {
  const changed = Object.keys(after).filter(key => JSON.stringify(before[key]) !== JSON.stringify(after[key]))
  const pick = (fields: Fields) =>
    Object.fromEntries(changed.map(key => [key, fields[key] ?? null])) as JsonFields
  return changed.length > 0 ? { before: pick(before), after: pick(after) } : undefined
}

type JsonFields = Record<string, string | string[] | null>
