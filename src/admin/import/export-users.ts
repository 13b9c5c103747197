import { userColumns } from '../../accounts/account.ts'
import type { App } from '../../app.ts'
import { NO_REQUEST, record } from '../../audit/record.ts'
import type { Account } from '../../context.ts'
import { recordReader, statement } from '../../database/client.ts'
import type { User } from '../../generated/prisma/client.ts'
import { type ExportedFactors, exportedFactorColumns, toExportedFactors } from './exported-factors.ts'

/** An account in the format that `import-users` reads. */
export type ExportedUser = Omit<User, NotExported | 'passwordHash'> &
  Pick<Account, 'roles'> &
  Partial<ExportedFactors> & { passwordHash?: string | null; identities: Record<string, unknown>[] }

type NotExported =
  | 'emailCanonical'
  | 'updatedAt'
  | 'credentialVersion'
  | 'secondFactorRequired'
  | 'enrollmentRequired'

const BATCH = 1000
const LOWEST_ID = '00000000-0000-0000-0000-000000000000'
const fields = Object.keys(userColumns)
const readUser = recordReader<User>(fields)

const pageSql = (further = '') =>
  `SELECT ${Object.values(userColumns).join(', ')},
     ARRAY(SELECT role_name FROM user_roles WHERE user_id = u.id ORDER BY role_name),
     (SELECT coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('provider', i.provider, 'issuer', i.issuer,
        'subject', i.subject, 'email', i.email, 'displayName', i.display_name, 'createdAt', i.created_at,
        'lastUsedAt', i.last_used_at)) ORDER BY i.id), '[]') FROM identities i WHERE i.user_id = u.id)${further}
   FROM users u WHERE id > $1 ORDER BY id LIMIT ${BATCH}`

const selectPage = statement('export-users', pageSql())
const selectPageWithFactors = statement('export-users-with-factors', pageSql(`, ${exportedFactorColumns}`))

export type ExportOptions = {
  withPasswordHashes: boolean
  /** Includes the secrets of authenticator apps, as text. */
  withSecondFactors?: boolean
}

/**
 * Yields all accounts in batches, ordered by ID. Accounts created in the meantime may or may not be included. The export
 * is recorded in the audit log before the first account is returned.
 */
export async function* exportUsers(
  app: App,
  { withPasswordHashes, withSecondFactors = false }: ExportOptions,
): AsyncGenerator<ExportedUser[]> {
  const at = app.clock.now()
  const detail = { withPasswordHashes, ...(withSecondFactors && { withSecondFactors }) }
  await record(app.db, NO_REQUEST, { action: 'users.exported', at, detail })
  const select = withSecondFactors ? selectPageWithFactors : selectPage
  let lastId = LOWEST_ID
  for (;;) {
    const rows = await select(app.pool, [lastId])
    if (rows.length > 0)
      yield rows.map(row => toExported(app, row, { withPasswordHashes, withSecondFactors }))
    if (rows.length < BATCH) return
    lastId = rows.at(-1)?.[0] as string
  }
}

function toExported(
  app: App,
  row: unknown[],
  { withPasswordHashes, withSecondFactors }: ExportOptions,
): ExportedUser {
  const {
    emailCanonical,
    updatedAt,
    passwordHash,
    credentialVersion,
    secondFactorRequired,
    enrollmentRequired,
    ...user
  } = readUser(row, 0)
  const roles = row[fields.length] as string[]
  const identities = row[fields.length + 1] as ExportedUser['identities']
  const further = row.slice(fields.length + 2)
  return {
    ...user,
    roles,
    identities,
    ...(withPasswordHashes && { passwordHash }),
    ...(withSecondFactors && toExportedFactors(app, user.id, further)),
  }
}
