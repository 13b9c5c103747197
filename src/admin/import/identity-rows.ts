import { identityColumns } from '../../accounts/identities.ts'
import { newBulkId } from '../../database/bulk-ids.ts'
import { insertSql, toRows } from '../../database/insert.ts'
import type { ImportRow } from './import-row.ts'

// The provider's tokens stay behind: they are sealed under a key of the other system.
const { sealedTokens: _tokens, tokenVersion: _version, refreshingUntil: _lease, ...columns } = identityColumns

/**
 * SQL of the CTE that inserts the identities in the parameter `$parameter` (see `identityRows`) for the accounts in the
 * CTE `taken`. An identity that another account has is left out.
 */
export function identitiesSql(parameter: number): string {
  return `linked AS (${insertSql('identities', columns, parameter, 'taken')} WHERE taken.id = r.user_id
     ON CONFLICT DO NOTHING RETURNING user_id)`
}

/** The parameter of `identitiesSql`. */
export function identityRows(rows: readonly ImportRow[]): string {
  return toRows(
    columns,
    ...rows.flatMap(({ user, identities }) =>
      identities.map(identity => ({
        ...identity,
        id: newBulkId(),
        userId: user.id,
        createdAt: identity.createdAt ?? user.createdAt,
        lastUsedAt: identity.lastUsedAt ?? identity.createdAt ?? user.createdAt,
      })),
    ),
  )
}
