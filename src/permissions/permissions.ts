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
