import { userColumns } from '../../accounts/account.ts'
import type { App } from '../../app.ts'
import { NO_REQUEST, record } from '../../audit/record.ts'
import type { Account } from '../../context.ts'
import { statement, toRecord } from '../../database/client.ts'
import type { User } from '../../generated/prisma/client.ts'

/** An account in the format that `import-users` reads. */
export type ExportedUser = Omit<User, NotExported | 'passwordHash'> &
  Pick<Account, 'roles'> & { passwordHash?: string | null }

type NotExported =
  | 'emailCanonical'
  | 'updatedAt'
  | 'credentialVersion'
  | 'secondFactorRequired'
  | 'enrollmentRequired'

const BATCH = 1000
const LOWEST_ID = '00000000-0000-0000-0000-000000000000'
const fields = Object.keys(userColumns)

const selectPage = statement(
  'export-users',
  `SELECT ${Object.values(userColumns).join(', ')},
     ARRAY(SELECT role_name FROM user_roles WHERE user_id = u.id ORDER BY role_name)
   FROM users u WHERE id > $1 ORDER BY id LIMIT ${BATCH}`,
)

/**
 * Yields all accounts in batches, ordered by ID. Accounts created in the meantime may or may not be included. The export
 * is recorded in the audit log before the first account is returned.
 */
export async function* exportUsers(
  app: App,
  { withPasswordHashes }: { withPasswordHashes: boolean },
): AsyncGenerator<ExportedUser[]> {
  const at = app.clock.now()
  await record(app.db, NO_REQUEST, { action: 'users.exported', at, detail: { withPasswordHashes } })
  let lastId = LOWEST_ID
  for (;;) {
    const rows = await selectPage(app.pool, [lastId])
    if (rows.length > 0) yield rows.map(row => toExported(row, withPasswordHashes))
    if (rows.length < BATCH) return
    lastId = rows.at(-1)?.[0] as string
  }
}

function toExported(row: unknown[], withPasswordHashes: boolean): ExportedUser {
  const {
    emailCanonical,
    updatedAt,
    passwordHash,
    credentialVersion,
    secondFactorRequired,
    enrollmentRequired,
    ...user
  } = toRecord<User>(fields, row)
  const roles = row[fields.length] as string[]
  return { ...user, roles, ...(withPasswordHashes && { passwordHash }) }
}
