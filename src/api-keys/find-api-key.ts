import { accountColumns, toAccount } from '../accounts/account.ts'
import type { App } from '../app.ts'
import type { Account } from '../context.ts'
import { batchedLookup } from '../database/batched-lookup.ts'
import { recordReader, statement } from '../database/client.ts'
import type { ApiKey } from '../generated/prisma/client.ts'

const keyColumns = {
  id: 'id',
  userId: 'user_id',
  name: 'name',
  keyHash: 'key_hash',
  permissions: 'permissions',
  multiFactor: 'multi_factor',
  createdAt: 'created_at',
  expiresAt: 'expires_at',
  lastUsedAt: 'last_used_at',
} as const satisfies Record<keyof ApiKey, string>

const keyFields = Object.keys(keyColumns)
const readKey = recordReader<ApiKey>(keyFields)
const columns = [...Object.values(keyColumns).map(column => `k.${column}`), ...accountColumns].join(', ')

const find = batchedLookup(
  statement(
    'api-key-with-account',
    `SELECT ${columns} FROM api_keys k JOIN users u ON u.id = k.user_id WHERE k.id = $1`,
  ),
  // `= ANY($1)` would make PostgreSQL create a new plan for each number of IDs.
  statement(
    'api-keys-with-accounts',
    `SELECT ${columns} FROM string_to_table($1, ',') AS requested (id)
     JOIN api_keys k ON k.id = requested.id::uuid JOIN users u ON u.id = k.user_id`,
  ),
)

/** The key with this ID, expired or not, with its owner's account. */
export async function findApiKey(
  app: App,
  id: string,
): Promise<{ apiKey: ApiKey; account: Account } | undefined> {
  const row = await find(app.pool, id)
  return row && { apiKey: readKey(row, 0), account: toAccount(app, row, keyFields.length) }
}
