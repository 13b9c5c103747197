import type { App } from '../app.ts'
import { EVERYTHING } from './permissions.ts'

/**
 * Notes in the database which permissions this program declares, for the command line: it runs without the embedding
 * program and could not tell its permissions from those that no program declares any more. The latest start wins.
 * Logs a warning for each role with a permission that counts for nothing.
 */
export async function declarePermissions(app: App): Promise<void> {
  const names = [...new Set(app.permissions)].sort()
  const noted = await app.db.declaredPermission.findMany({ orderBy: { name: 'asc' } })
  if (noted.map(({ name }) => name).join() !== names.join()) await note(app, names)
  const roles = await app.db.role.findMany({ select: { name: true, permissions: true } })
  for (const { name: role, permissions } of roles) {
    const unknown = permissions.filter(name => name !== EVERYTHING && !names.includes(name))
    if (unknown.length > 0) {
      app.log.warn({ role, unknown }, 'a role has permissions that are not declared: they count for nothing')
    }
  }
}

async function note(app: App, names: string[]): Promise<void> {
  const declaredAt = app.clock.now()
  await app.db.$transaction(async tx => {
    // Two versions that start at the same time take turns.
    await tx.$executeRaw`LOCK TABLE declared_permissions IN SHARE ROW EXCLUSIVE MODE`
    await tx.declaredPermission.deleteMany({ where: { name: { notIn: names } } })
    await tx.declaredPermission.createMany({
      data: names.map(name => ({ name, declaredAt })),
      skipDuplicates: true,
    })
  })
}
