/** The permissions of the built-in operations. A program that embeds this server can declare more. */
export const permissions = {
  'users:read': 'See every field of every account.',
  'users:write': 'Invite, change, disable and enable accounts, and end their sessions.',
  'users:delete': 'Delete accounts.',
  'users:factors': 'Remove the second factors of accounts whose owners have lost them.',
  'users:impersonate': 'Act as other people for 30 minutes, to see what they see.',
  'identities:tokens': 'Use the tokens that providers issued for accounts.',
  'roles:write': 'Define and assign roles.',
  'audit:read': 'Read the audit log.',
  'keys:write': 'Rotate the signing key.',
  'services:write': 'Manage service accounts and their secrets.',
  'tokens:introspect': 'Ask whether access tokens are still valid.',
  'webhooks:write': 'Define webhooks and send failed deliveries again.',
} as const satisfies Record<string, string>

/** Stands for every permission. Only the built-in role `admin` has it. */
export const EVERYTHING = '*'

export const ADMIN_ROLE = 'admin'
export const DEFAULT_ROLE = 'user'

/** The owner of an object, in `@Authorized('self', …)`. */
export const SELF = 'self'

/** Separators of permissions stored as one text, and spaces, which are hard to see. */
const NOT_A_NAME = /[\s,;=*]/

/**
 * All permissions of a server: the built-in ones and those that the embedding program declares.
 * @throws Error for a name that is empty, reserved or declared twice, or that contains a separator
 */
export function declaredPermissions(added: readonly string[] = []): string[] {
  const all: string[] = Object.keys(permissions)
  for (const name of added) {
    if (name === '') throw new Error('The option permissions has an empty name.')
    if (name === SELF)
      throw new Error(`The permission "${SELF}" is reserved: it means the owner of an object.`)
    if (NOT_A_NAME.test(name))
      throw new Error(`The permission "${name}" must not contain spaces or any of , ; = *.`)
    if (all.includes(name)) throw new Error(`The permission "${name}" is declared twice.`)
    all.push(name)
  }
  return all
}
