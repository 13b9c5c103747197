import { LRUCache } from 'lru-cache'
import type { App } from '../app.ts'
import type { Account } from '../context.ts'
import type { Role } from '../generated/prisma/client.ts'
import { EVERYTHING } from './permissions.ts'

/**
 * The names of a user's roles and the permissions that the roles grant, both sorted, and since when one of the roles
 * requires a second factor.
 */
export type Grants = Pick<Account, 'roles' | 'permissions' | 'secondFactorRequiredFrom'>

/**
 * SQL for the roles of user `u` as one text, `name=permission,permission;name=…`: the cheapest form to
 * fetch with every request. A role that requires a second factor has the time, in milliseconds, as a third part.
 */
export const grantsColumn = `(
  SELECT string_agg(r.name || '=' || array_to_string(r.permissions, ',') || coalesce(
    '=' || (extract(epoch FROM r.second_factor_required_from) * 1000)::bigint, ''), ';' ORDER BY r.name)
  FROM user_roles ur JOIN roles r ON r.name = ur.role_name WHERE ur.user_id = u.id
) AS grants`

/** The grants of an account without roles, whose text is null. */
export const NO_GRANTS: Grants = { roles: [], permissions: [], secondFactorRequiredFrom: null }

const MAX_KNOWN = 1000
/** Few accounts have roles that no other has, and every request reads the grants of one. */
const known = new WeakMap<App, LRUCache<string, Grants>>()

/** The grants in the text of `grantsColumn`. Accounts with the same roles share one object. */
export function grantsOf(app: App, text: string | null): Grants {
  if (text === null) return NO_GRANTS
  const ofApp = known.get(app) ?? new LRUCache({ max: MAX_KNOWN })
  const shared = ofApp.get(text)
  if (shared) return shared
  const grants = parseGrants(app, text)
  known.set(app, ofApp.set(text, grants))
  return grants
}

function parseGrants(app: App, text: string): Grants {
  const roles = text.split(';').filter(Boolean)
  return toGrants(
    app,
    roles.map(role => {
      const [name = '', granted = '', requiredFromMs] = role.split('=')
      const secondFactorRequiredFrom = requiredFromMs === undefined ? null : new Date(Number(requiredFromMs))
      return { name, permissions: granted.split(',').filter(Boolean), secondFactorRequiredFrom }
    }),
  )
}

type GrantingRole = Pick<Role, 'name' | 'permissions' | 'secondFactorRequiredFrom'>

/** The grants of an account with these roles. */
export function toGrants(app: App, roles: GrantingRole[]): Grants {
  return {
    secondFactorRequiredFrom: earliest(roles.map(role => role.secondFactorRequiredFrom)),
    roles: roles.map(role => role.name).sort(),
    permissions: expand(
      app,
      roles.flatMap(role => role.permissions),
    ),
  }
}

function earliest(times: (Date | null)[]): Date | null {
  const set = times.filter(time => time !== null)
  return set.sort((one, other) => one.getTime() - other.getTime())[0] ?? null
}

/** The permissions sorted by name, with `*` expanded. Names that the program does not declare have no effect. */
export function expand(app: App, granted: string[]): string[] {
  const all = granted.includes(EVERYTHING) ? app.permissions : granted.filter(name => isDeclared(app, name))
  return [...new Set(all)].sort()
}

/**
 * The permissions that a caller must have to grant these permissions, or to change a role that has them. During a
 * deployment, another version may declare a name that this one does not know, so such a name requires all permissions.
 */
export function neededToGive(app: App, granted: string[]): readonly string[] {
  const declared = granted.every(name => name === EVERYTHING || isDeclared(app, name))
  return declared ? expand(app, granted) : app.permissions
}

function isDeclared(app: App, name: string): boolean {
  return app.permissions.includes(name)
}
