import DataLoader from 'dataloader'
import type { App } from '../app.ts'
import { recordReader, statement } from '../database/client.ts'
import type { Columns } from '../database/insert.ts'
import type { Identity, User } from '../generated/prisma/client.ts'
import { userColumns } from './account.ts'

export const identityColumns = {
  id: 'id',
  userId: 'user_id',
  provider: 'provider',
  issuer: 'issuer',
  subject: 'subject',
  email: 'email',
  displayName: 'display_name',
  sealedTokens: 'sealed_tokens',
  tokenVersion: 'token_version',
  refreshingUntil: 'refreshing_until',
  createdAt: 'created_at',
  lastUsedAt: 'last_used_at',
} as const satisfies Columns<keyof Identity>

const readIdentity = recordReader<Identity>(Object.keys(identityColumns))
const columns = Object.values(identityColumns).join(', ')

/** More than there are providers. One account can have several identities of one provider. */
const PER_ACCOUNT_MAX = 50

const selectOfUsers = statement(
  'identities-of-users',
  `SELECT ${columns} FROM (
     SELECT *, row_number() OVER (PARTITION BY user_id ORDER BY id) AS place
     FROM identities WHERE user_id = ANY($1::uuid[])
   ) each WHERE place <= ${PER_ACCOUNT_MAX} ORDER BY id`,
)

const loaders = new WeakMap<App, DataLoader<string, Identity[]>>()

/** The identities of an account, the oldest first. Calls in the same turn of the event loop share one query. */
export function identitiesOf(app: App, userId: string): Promise<Identity[]> {
  const loader =
    loaders.get(app) ??
    // Not cached, so that a later request sees the identities of then.
    new DataLoader<string, Identity[]>(ids => load(app, ids), { cache: false })
  loaders.set(app, loader)
  return loader.load(userId)
}

async function load(app: App, ids: readonly string[]): Promise<Identity[][]> {
  const rows = await selectOfUsers(app.pool, [[...new Set(ids)]])
  const identities = rows.map(row => readIdentity(row, 0))
  return ids.map(id => identities.filter(({ userId }) => userId === id))
}

const readUser = recordReader<User>(Object.keys(userColumns))
const qualified = [
  ...Object.values(identityColumns).map(column => `i.${column}`),
  ...Object.values(userColumns).map(column => `u.${column}`),
]
const selectBySubject = statement(
  'identity-by-subject',
  `SELECT ${qualified.join(', ')} FROM identities i JOIN users u ON u.id = i.user_id
   WHERE i.issuer = $1 AND i.subject = $2`,
)

/** The identity of a person at an issuer (OpenID Connect Core 1.0, section 2), if an account has it, and the account. */
export async function findIdentity(
  app: App,
  { issuer, subject }: Pick<Identity, 'issuer' | 'subject'>,
): Promise<{ identity: Identity; account: User } | undefined> {
  const [row] = await selectBySubject(app.pool, [issuer, subject])
  return (
    row && { identity: readIdentity(row, 0), account: readUser(row, Object.keys(identityColumns).length) }
  )
}
