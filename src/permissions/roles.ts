import type { App } from '../app.ts'
import { recordDeniedAccess } from '../audit/denied-access.ts'
import { record } from '../audit/record.ts'
import type { RequestFacts, Viewer } from '../context.ts'
import { isId } from '../database/client.ts'
import { AuthError, badInput } from '../errors.ts'
import type { Role } from '../generated/prisma/client.ts'
import { keepAnAdministrator } from './administrators.ts'
import { expand } from './grants.ts'

/** All roles by name, their permissions spelled out. */
export async function allRoles(app: App): Promise<Role[]> {
  const roles = await app.db.role.findMany({ orderBy: { name: 'asc' } })
  return roles.map(role => ({ ...role, permissions: expand(app, role.permissions) }))
}

/**
 * Replaces a user's roles.
 * @throws AuthError BAD_USER_INPUT naming roles that do not exist; FORBIDDEN for a role that allows what
 *   the viewer may not do; NOT_FOUND; CONFLICT when no administrator would be left
 */
export async function setUserRoles(
  app: App,
  userId: string,
  names: string[],
  viewer: Viewer,
  request: RequestFacts,
): Promise<void> {
  const wanted = [...new Set(names)]
  if (!isId(userId)) throw new AuthError('NOT_FOUND')
  await requireGrantable(app, wanted, viewer, request)
  const now = app.clock.now()
  await app.db.$transaction(async tx => {
    const before = await keepAnAdministrator(tx, async () => {
      const changed = await tx.user.updateMany({ where: { id: userId }, data: { updatedAt: now } })
      if (changed.count === 0) throw new AuthError('NOT_FOUND')
      const had = await tx.userRole.findMany({ where: { userId }, orderBy: { roleName: 'asc' } })
      await tx.userRole.deleteMany({ where: { userId } })
      await tx.userRole.createMany({ data: wanted.map(roleName => ({ userId, roleName })) })
      return had
    })
    await record(tx, request, {
      action: 'user.roles_changed',
      at: now,
      actorId: viewer.account.id,
      subjectId: userId,
      detail: { before: before.map(role => role.roleName), after: wanted.sort() },
    })
  })
}

/** Nobody gives what they do not hold. */
async function requireGrantable(
  app: App,
  wanted: string[],
  viewer: Viewer,
  request: RequestFacts,
): Promise<void> {
  const known = (await allRoles(app)).filter(role => wanted.includes(role.name))
  const unknown = wanted.filter(name => !known.some(role => role.name === name))
  if (unknown.length > 0) {
    throw badInput({
      roles: unknown.map(name => `There is no role named ${JSON.stringify(name.slice(0, 50))}.`),
    })
  }
  const held = viewer.account.permissions
  if (!known.every(role => role.permissions.every(permission => held.includes(permission)))) {
    await recordDeniedAccess(app, request, viewer.account.id, 'Mutation.setUserRoles')
    throw new AuthError('FORBIDDEN', {
      message: 'You can only give roles whose permissions you hold yourself.',
    })
  }
}
