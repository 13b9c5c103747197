import { accountColumns, toAccount } from '../accounts/account.ts'
import type { App } from '../app.ts'
import type { Account } from '../context.ts'
import { batchedLookup } from '../database/batched-lookup.ts'
import { recordReader, statement } from '../database/client.ts'
import type { Session } from '../generated/prisma/client.ts'
import { revokedAt } from './live.ts'

export const sessionColumns = {
  id: 'id',
  userId: 'user_id',
  generation: 'generation',
  salt: 'salt',
  createdAt: 'created_at',
  lastUsedAt: 'last_used_at',
  authenticatedAt: 'authenticated_at',
  passwordAt: 'password_at',
  emailAt: 'email_at',
  passkeyAt: 'passkey_at',
  keyAt: 'key_at',
  totpAt: 'totp_at',
  recoveryAt: 'recovery_at',
  providerAt: 'provider_at',
  proofGeneration: 'proof_generation',
  rotatedAt: 'rotated_at',
  generationSeenAt: 'generation_seen_at',
  burnedFrom: 'burned_from',
  burnedTo: 'burned_to',
  expiresAt: 'expires_at',
  absoluteExpiresAt: 'absolute_expires_at',
  idleTtlSeconds: 'idle_ttl_seconds',
  remembered: 'remembered',
  revokedAt: 'revoked_at',
  ipAddress: 'ip_address',
  userAgent: 'user_agent',
  deviceName: 'device_name',
  actorSessionId: 'actor_session_id',
  keyThumbprint: 'key_thumbprint',
} as const satisfies Record<keyof Session, string>

const sessionFields = Object.keys(sessionColumns)

/** The columns of a session in SQL, where `s` is the sessions table and `u` the users table. */
export const selectedColumns = Object.values(sessionColumns)
  .map(column => (column === sessionColumns.revokedAt ? `${revokedAt} AS revoked_at` : `s.${column}`))
  .join(', ')

const readSession = recordReader<Session>(sessionFields)

/** Reads a session from a row whose first columns are `selectedColumns`. */
export function toSessionRecord(row: unknown[]): Session {
  return readSession(row, 0)
}

/** The columns that `toSessionWithAccount` reads. */
const columns = [selectedColumns, ...accountColumns].join(', ')
/** The same of a session that is live: its own `revoked_at`, which is null, needs no look at the endings. */
export const liveColumns = [
  ...Object.values(sessionColumns).map(column => `s.${column}`),
  ...accountColumns,
].join(', ')
const find = batchedLookup(
  statement(
    'session-with-account',
    `SELECT ${columns} FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = $1`,
  ),
  // `= ANY($1)` would make PostgreSQL create a new plan for each number of IDs.
  statement(
    'sessions-with-accounts',
    `SELECT ${columns} FROM string_to_table($1, ',') AS requested (id)
     JOIN sessions s ON s.id = requested.id::uuid JOIN users u ON u.id = s.user_id`,
  ),
)

export type SessionWithAccount = { session: Session; account: Account }

/** The session with this ID, live or ended, with its account. */
export async function findSession(app: App, id: string): Promise<SessionWithAccount | undefined> {
  const row = await find(app.pool, id)
  return row && toSessionWithAccount(app, row)
}

/** Reads a session and its account from a row with their columns. */
export function toSessionWithAccount(app: App, row: unknown[]): SessionWithAccount {
  return { session: toSessionRecord(row), account: toAccount(app, row, sessionFields.length) }
}
