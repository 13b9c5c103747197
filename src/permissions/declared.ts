import type { App } from '../app.ts'
import { EVERYTHING } from './permissions.ts'

/**
 * Stores the permissions that this program declares. The command line reads them: it runs without the embedding program
 * and could not tell its permissions from those that are no longer declared. The program that started last wins. Logs a
 * warning for each role with an undeclared permission.
 */
export async function declarePermissions(app: App): Promise<void> {
  const names = [...new Set(app.permissions)].sort()
  const stored = await app.db.declaredPermission.findMany({ orderBy: { name: 'asc' } })
  if (stored.map(({ name }) => name).join() !== names.join()) await store(app, names)
  const roles = await app.db.role.findMany({ select: { name: true, permissions: true } })
  for (const { name: role, permissions } of roles) {
    const unknown = permissions.filter(name => name !== EVERYTHING && !names.includes(name))
    if (unknown.length > 0) {
      app.log.warn({ role, unknown }, 'a role has permissions that are not declared and have no effect')
    }
  }
}

async function store(app: App, names: string[]): Promise<void> {
  const declaredAt = app.clock.now()
  await app.db.$transaction(async tx => {
    // Serializes versions that start at the same time.
    await tx.$executeRaw`LOCK TABLE declared_permissions IN SHARE ROW EXCLUSIVE MODE`
    await tx.declaredPermission.deleteMany({ where: { name: { notIn: names } } })
    await tx.declaredPermission.createMany({
      data: names.map(name => ({ name, declaredAt })),
      skipDuplicates: true,
    })
  })
}
