import type { App } from '../app.ts'
import { isId, statement, toRecord } from '../database/client.ts'
import type { User } from '../generated/prisma/client.ts'
import { type Grants, grantsColumn, grantsOf } from '../permissions/grants.ts'

/** A user with what the user's roles allow. */
export type Account = User & Grants

export const userColumns = {
  id: 'id',
  email: 'email',
  emailCanonical: 'email_canonical',
  emailVerifiedAt: 'email_verified_at',
  username: 'username',
  displayName: 'display_name',
  locale: 'locale',
  passwordHash: 'password_hash',
  passwordChangedAt: 'password_changed_at',
  lastLoginAt: 'last_login_at',
  disabledAt: 'disabled_at',
  createdAt: 'created_at',
  updatedAt: 'updated_at',
} as const satisfies Record<keyof User, string>

const userFields = Object.keys(userColumns)
/** What an account is read from: `u` is the users table. */
export const accountColumns = [...Object.values(userColumns).map(column => `u.${column}`), grantsColumn]

/** The account in a row that selected `accountColumns` from `start` on. */
export function toAccount(app: App, row: unknown[], start = 0): Account {
  const grants = row[start + userFields.length] as string | null
  return { ...toRecord<User>(userFields, row, start), ...grantsOf(app, grants) }
}

const selectBy = (key: 'id' | 'email_canonical' | 'username') =>
  statement(`account-by-${key}`, `SELECT ${accountColumns.join(', ')} FROM users u WHERE u.${key} = $1`)

const select = {
  id: selectBy('id'),
  email: selectBy('email_canonical'),
  username: selectBy('username'),
}

/** The account with this id, canonical e-mail address or canonical username, if there is one. */
export async function findAccount(
  app: App,
  key: keyof typeof select,
  value: string,
): Promise<Account | undefined> {
  if (key === 'id' && !isId(value)) return undefined
  const [row] = await select[key](app.pool, [value])
  return row && toAccount(app, row)
}
