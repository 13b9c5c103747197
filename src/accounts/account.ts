import type { App } from '../app.ts'
import type { Account } from '../context.ts'
import { batchedLookup } from '../database/batched-lookup.ts'
import { isId, recordReader, statement } from '../database/client.ts'
import { AuthError } from '../errors.ts'
import type { User } from '../generated/prisma/client.ts'
import { grantsColumn, grantsOf, NO_GRANTS } from '../permissions/grants.ts'

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
  credentialVersion: 'credential_version',
  secondFactorRequired: 'second_factor_required',
  enrollmentRequired: 'enrolment_required',
  disabledReason: 'disabled_reason',
  invitedAt: 'invited_at',
  publicMetadata: 'public_metadata',
  privateMetadata: 'private_metadata',
  createdAt: 'created_at',
  updatedAt: 'updated_at',
} as const satisfies Record<keyof User, string>

const userFields = Object.keys(userColumns)
/** The user in a row, whose `userColumns` begin at index `start`. */
export const readUser = recordReader<User>(userFields)
const readAccount = recordReader<User, typeof NO_GRANTS>(userFields, NO_GRANTS)
/** The columns that `toAccount` reads, where `u` is the users table. */
export const accountColumns = [...Object.values(userColumns).map(column => `u.${column}`), grantsColumn]

/** The account in a row, whose `accountColumns` begin at index `start`. */
export function toAccount(app: App, row: unknown[], start = 0): Account {
  const grants = row[start + userFields.length] as string | null
  const account = readAccount(row, start)
  return grants === null ? account : Object.assign(account, grantsOf(app, grants))
}

const selectById = statement(
  'account-by-id',
  `SELECT ${accountColumns.join(', ')} FROM users u WHERE u.id = $1`,
)

/**
 * The account with this ID.
 * @throws AuthError NOT_FOUND
 */
export async function requireAccount(app: App, id: string): Promise<Account> {
  const [row] = isId(id) ? await selectById(app.pool, [id]) : []
  if (!row) throw new AuthError('NOT_FOUND', { message: 'There is no account with this ID.' })
  return toAccount(app, row)
}

const findById = batchedLookup(
  selectById,
  // `= ANY($1)` would make PostgreSQL create a new plan for each number of IDs.
  statement(
    'accounts-by-id-list',
    `SELECT ${accountColumns.join(', ')} FROM string_to_table($1, ',') AS requested (id)
     JOIN users u ON u.id = requested.id::uuid`,
  ),
)

/** The account with this ID, if there is one. Look-ups at the same time share one query. */
export async function findAccount(app: App, id: string): Promise<Account | undefined> {
  const row = isId(id) ? await findById(app.pool, id.toLowerCase()) : undefined
  return row && toAccount(app, row)
}

const selectUserBy = (column: 'email_canonical' | 'username') =>
  statement(
    `user-by-${column}`,
    `SELECT ${Object.values(userColumns).join(', ')} FROM users WHERE ${column} = $1`,
  )

const selectUserById = statement(
  'user-by-id',
  `SELECT ${Object.values(userColumns).join(', ')} FROM users WHERE id = $1`,
)

/** The user with this ID, without roles and permissions, if there is one. */
export async function findUserById(app: App, id: string): Promise<User | undefined> {
  const [row] = await selectUserById(app.pool, [id])
  return row && readUser(row, 0)
}

const selectUser = { email: selectUserBy('email_canonical'), username: selectUserBy('username') }

/**
 * The user with this canonical email address or canonical username, if there is one. Does not read roles and
 * permissions: the extra time for names that exist would reveal them.
 */
export async function findUser(
  app: App,
  key: keyof typeof selectUser,
  value: string,
): Promise<User | undefined> {
  const [row] = await selectUser[key](app.pool, [value])
  return row && readUser(row, 0)
}

const selectMany = statement(
  'accounts-by-ids',
  `SELECT ${accountColumns.join(', ')} FROM users u WHERE u.id = ANY($1::uuid[])`,
)

/** The accounts that exist among these IDs, by ID. */
export async function findAccounts(app: App, ids: string[]): Promise<Map<string, Account>> {
  if (ids.length === 0) return new Map()
  const rows = await selectMany(app.pool, [[...new Set(ids)]])
  return new Map(rows.map(row => toAccount(app, row)).map(account => [account.id, account]))
}
