import type { App } from '../app.ts'
import type { Role } from '../generated/prisma/client.ts'
import { expand } from './grants.ts'

/** All roles sorted by name, with `*` expanded. */
export async function allRoles(app: App): Promise<Role[]> {
  const roles = await app.db.role.findMany({ orderBy: { name: 'asc' } })
  return roles.map(role => ({ ...role, permissions: expand(app, role.permissions) }))
}
