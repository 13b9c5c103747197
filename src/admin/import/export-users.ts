import { userColumns } from '../../accounts/account.ts'
import type { App } from '../../app.ts'
import { NO_REQUEST, record } from '../../audit/record.ts'
import type { Account } from '../../context.ts'
import { statement, toRecord } from '../../database/client.ts'
import type { User } from '../../generated/prisma/client.ts'

/** An account as `import-users` takes it. */
export type ExportedUser = Omit<User, 'emailCanonical' | 'passwordHash' | 'updatedAt'> &
  Pick<Account, 'roles'> & { passwordHash?: string | null }

const BATCH = 1000
const FIRST = '00000000-0000-0000-0000-000000000000'
const fields = Object.keys(userColumns)

const selectPage = statement(
  'export-users',
  `SELECT ${Object.values(userColumns).join(', ')},
     ARRAY(SELECT role_name FROM user_roles WHERE user_id = u.id ORDER BY role_name)
   FROM users u WHERE id > $1 ORDER BY id LIMIT ${BATCH}`,
)

/**
 * Every account there is, some at a time, by id: those that come while it runs may be among them or not. With
 * `withPasswordHashes` their hashes too. That it was done is on record before the first account is handed out.
 */
export async function* exportUsers(
  app: App,
  { withPasswordHashes }: { withPasswordHashes: boolean },
): AsyncGenerator<ExportedUser[]> {
  const at = app.clock.now()
  await record(app.db, NO_REQUEST, { action: 'users.exported', at, detail: { withPasswordHashes } })
  let last = FIRST
  for (;;) {
    const rows = await selectPage(app.pool, [last])
    if (rows.length > 0) yield rows.map(row => toExported(row, withPasswordHashes))
    if (rows.length < BATCH) return
    last = rows.at(-1)?.[0] as string
  }
}

function toExported(row: unknown[], withPasswordHashes: boolean): ExportedUser {
  const { emailCanonical, updatedAt, passwordHash, ...user } = toRecord<User>(fields, row)
  const roles = row[fields.length] as string[]
  return { ...user, roles, ...(withPasswordHashes && { passwordHash }) }
}
