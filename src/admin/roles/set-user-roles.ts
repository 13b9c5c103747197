import type { App } from '../../app.ts'
import { record } from '../../audit/record.ts'
import type { Queryable } from '../../database/client.ts'
import { AuthError, badInput } from '../../errors.ts'
import { neededToGive } from '../../permissions/grants.ts'
import { type Acting, administerUser } from '../administer.ts'

/**
 * Replaces a user's roles.
 * @throws AuthError BAD_USER_INPUT naming roles that do not exist; FORBIDDEN for a role that allows what the viewer
 *   may not do, and for an account that may do so already; NOT_FOUND; CONFLICT when no administrator would be left
 */
export async function setUserRoles(app: App, id: string, names: string[], acting: Acting): Promise<void> {
  const after = [...new Set(names)]
  const at = app.clock.now()
  await administerUser(app, acting, 'roles:write', id, async (tx, target, held) => {
    await requireGrantable(app, tx, after, held, 'roles')
    await tx.user.update({ where: { id }, data: { updatedAt: at } })
    await tx.userRole.deleteMany({ where: { userId: id } })
    await tx.userRole.createMany({ data: after.map(roleName => ({ userId: id, roleName })) })
    await record(tx, acting.request, {
      action: 'user.roles_changed',
      at,
      actorId: acting.viewer.account.id,
      subjectId: id,
      detail: { before: [...target.roles], after: after.sort() },
    })
  })
}

/**
 * Nobody gives what they do not hold.
 * @throws AuthError BAD_USER_INPUT naming roles that do not exist; FORBIDDEN
 */
export async function requireGrantable(
  app: App,
  tx: Queryable,
  names: string[],
  held: readonly string[],
  field: string,
): Promise<void> {
  const roles = await tx.role.findMany({ where: { name: { in: names.filter(isStorable) } } })
  const unknown = names.filter(name => !roles.some(role => role.name === name))
  if (unknown.length > 0) {
    throw badInput({
      [field]: unknown.map(name => `There is no role named ${JSON.stringify(name.slice(0, 50))}.`),
    })
  }
  const given = roles.flatMap(role => neededToGive(app, role.permissions))
  if (given.every(permission => held.includes(permission))) return
  throw new AuthError('FORBIDDEN', {
    message: 'You can only give roles whose permissions you hold yourself.',
  })
}

/** PostgreSQL fails on U+0000. */
function isStorable(name: string): boolean {
  return !name.includes('\0')
}
