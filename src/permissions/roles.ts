import type { App } from '../app.ts'
import type { Role } from '../generated/prisma/client.ts'
import { expand } from './grants.ts'

/** All roles sorted by name, with `*` expanded. */
export async function allRoles(app: App): Promise<Role[]> {
  const roles = await app.db.role.findMany({ orderBy: { name: 'asc' } })
  return roles.map(role => shownRole(app, role))
}

/** The role with `*` expanded. */
export function shownRole(app: App, role: Role): Role {
  return { ...role, permissions: expand(app, role.permissions) }
}
