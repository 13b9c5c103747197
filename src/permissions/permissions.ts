/** What the built-in operations ask for. A program that embeds this server may add its own. */
export const permissions = {
  'users:read': 'See every account, whole.',
  'users:write': 'Invite, change, disable and enable accounts, and end their sessions.',
  'users:delete': 'Delete accounts.',
  'roles:write': 'Define roles and give them.',
  'audit:read': 'Read the audit log.',
  'keys:write': 'Rotate the signing key.',
} as const satisfies Record<string, string>

/** Stands for every permission there is; only the built-in role `admin` has it. */
export const EVERYTHING = '*'

export const ADMIN_ROLE = 'admin'
export const DEFAULT_ROLE = 'user'

/** In `@Authorized('self', …)`: the owner of the object. */
export const SELF = 'self'

/** What separates permissions where they are stored as one text, and what no one could tell apart by eye. */
const NOT_A_NAME = /[\s,;=*]/

/**
 * Every permission of a server: the built-in ones and those that the embedding program declares.
 * @throws Error for a name that is empty, reserved, not a plain word, or declared twice
 */
export function declaredPermissions(added: readonly string[] = []): string[] {
  const all: string[] = Object.keys(permissions)
  for (const name of added) {
    if (name === '') throw new Error('The option permissions has an empty name.')
    if (name === SELF)
      throw new Error(`The permission "${SELF}" is reserved: it means the owner of an object.`)
    if (NOT_A_NAME.test(name))
      throw new Error(`The permission "${name}" must be without spaces and without , ; = and *.`)
    if (all.includes(name)) throw new Error(`The permission "${name}" is declared twice.`)
    all.push(name)
  }
  return all
}
