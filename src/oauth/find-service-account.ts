import type { App } from '../app.ts'
import { batchedLookup } from '../database/batched-lookup.ts'
import { recordReader, statement } from '../database/client.ts'
import type { ServiceAccount } from '../generated/prisma/client.ts'
import { type Grants, grantsOf } from '../permissions/grants.ts'
import type { ClientKey } from './client-keys.ts'

/** A service account with the names of its roles and the permissions that they grant. */
export type Service = Omit<ServiceAccount, 'publicKeys'> &
  Pick<Grants, 'roles' | 'permissions'> & { publicKeys: readonly ClientKey[] }

const columns = {
  id: 'id',
  name: 'name',
  audiences: 'audiences',
  secretHash: 'secret_hash',
  previousSecretHash: 'previous_secret_hash',
  previousUntil: 'previous_until',
  publicKeys: 'public_keys',
  generation: 'generation',
  createdAt: 'created_at',
  lastUsedAt: 'last_used_at',
} as const satisfies Record<keyof ServiceAccount, string>

const fields = Object.keys(columns)
const read = recordReader<Omit<Service, 'roles' | 'permissions'>>(fields)

/** The roles of service account `s` in the form of permissions/grants.ts. Second factors are for people. */
const grants = `(
  SELECT string_agg(r.name || '=' || array_to_string(r.permissions, ','), ';' ORDER BY r.name)
  FROM service_account_roles sr JOIN roles r ON r.name = sr.role_name WHERE sr.service_account_id = s.id
)`

const selected = [...Object.values(columns).map(column => `s.${column}`), grants].join(', ')

const find = batchedLookup(
  statement('service-account', `SELECT ${selected} FROM service_accounts s WHERE s.id = $1`),
  statement(
    'service-accounts',
    `SELECT ${selected} FROM string_to_table($1, ',') AS requested (id)
     JOIN service_accounts s ON s.id = requested.id::uuid`,
  ),
)

/** The service account with this ID, which is a UUID. */
export async function findService(app: App, id: string): Promise<Service | undefined> {
  const row = await find(app.pool, id.toLowerCase())
  return row && toService(app, row, 0)
}

const selectBearers = statement(
  'service-account-of-token',
  `SELECT requested, EXISTS (SELECT FROM revoked_tokens t WHERE t.jti = split_part(requested, ' ', 2)::uuid), ${selected}
   FROM string_to_table($1, ',') AS requested JOIN service_accounts s ON s.id = split_part(requested, ' ', 1)::uuid`,
)
const findBearer = batchedLookup(selectBearers, selectBearers)

/** The service account of a token, and whether the token was revoked. */
export async function findServiceOfToken(
  app: App,
  { sub, jti }: { sub: string; jti: string },
): Promise<{ service: Service; revoked: boolean } | undefined> {
  const row = await findBearer(app.pool, `${sub} ${jti}`)
  return row && { service: toService(app, row, 2), revoked: row[1] === true }
}

function toService(app: App, row: unknown[], start: number): Service {
  const { roles, permissions } = grantsOf(app, row[start + fields.length] as string | null)
  return { ...read(row, start), roles, permissions }
}
