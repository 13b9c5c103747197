import type { App } from '../app.ts'
import { statement } from '../database/client.ts'
import { EVERYTHING } from './permissions.ts'

const selectDeclared = statement<[name: string]>(
  'permissions-declared',
  'SELECT name FROM declared_permissions',
)
const selectRoles = statement<[name: string, permissions: string[]]>(
  'permissions-of-roles',
  'SELECT name, permissions FROM roles',
)

/**
 * Stores the permissions that this program declares. The command line reads them: it runs without the embedding program
 * and could not tell its permissions from those that are no longer declared. The program that started last wins. Logs a
 * warning for each role with an undeclared permission.
 */
export async function declarePermissions(app: App): Promise<void> {
  const names = [...new Set(app.permissions)].sort()
  const [stored, roles] = await Promise.all([selectDeclared(app.pool, []), selectRoles(app.pool, [])])
  const known = new Set(stored.map(([name]) => name))
  if (known.size !== names.length || !names.every(name => known.has(name))) await store(app, names)
  for (const [role, permissions] of roles) {
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
