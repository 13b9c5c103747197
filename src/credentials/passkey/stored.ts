import { userColumns } from '../../accounts/account.ts'
import type { App } from '../../app.ts'
import { type Queryable, recordReader, statement } from '../../database/client.ts'
import { AuthError } from '../../errors.ts'
import type { Passkey, User } from '../../generated/prisma/client.ts'
import type { CredentialDescriptor } from './ceremony.ts'

/** What a stored credential is verified against. */
export type StoredPasskey = Pick<
  Passkey,
  'id' | 'userId' | 'credentialId' | 'publicKey' | 'backupEligible' | 'userHandle' | 'lastUsedAt'
> & { counter: string }

const passkeyFields = {
  id: 'id',
  userId: 'user_id',
  credentialId: 'credential_id',
  publicKey: 'public_key',
  counter: 'counter',
  backupEligible: 'backup_eligible',
  userHandle: 'user_handle',
  lastUsedAt: 'last_used_at',
} as const satisfies Record<keyof StoredPasskey, string>

const passkeyNames = Object.keys(passkeyFields)
const readPasskey = recordReader<StoredPasskey>(passkeyNames)
const readUser = recordReader<User>(Object.keys(userColumns))

const selectWithOwner = statement(
  'passkey-with-owner',
  `SELECT ${[
    ...Object.values(passkeyFields).map(column => `p.${column}`),
    ...Object.values(userColumns).map(column => `u.${column}`),
  ].join(', ')}
   FROM passkeys p JOIN users u ON u.id = p.user_id WHERE p.credential_id = $1`,
)

/** The credential with this ID, base64url, and its owner. One query. */
export async function findPasskey(
  app: App,
  credentialId: string,
): Promise<{ passkey: StoredPasskey; account: User } | undefined> {
  const [row] = await selectWithOwner(app.pool, [Buffer.from(credentialId, 'base64url')])
  return (
    row && {
      passkey: readPasskey(row, 0),
      account: readUser(row, passkeyNames.length),
    }
  )
}

/** The passkeys and security keys of an account, the oldest first. */
export function passkeysOf(db: Queryable, userId: string): Promise<Passkey[]> {
  return db.passkey.findMany({ where: { userId }, orderBy: { id: 'asc' } })
}

/** Those of them that the configured domain can use. */
export async function usablePasskeysOf(app: App, userId: string): Promise<Passkey[]> {
  const passkeys = await passkeysOf(app.db, userId)
  return passkeys.filter(({ rpId }) => rpId === app.config.passkeys.rpId)
}

/** A credential in the form that browsers receive. */
export function toDescriptor({ credentialId, transports }: Pick<Passkey, 'credentialId' | 'transports'>) {
  return {
    id: Buffer.from(credentialId).toString('base64url'),
    transports,
  } satisfies CredentialDescriptor
}

/**
 * Call it first in operations that create or verify passkeys.
 * @throws AuthError CONFLICT with PASSKEYS=off
 */
export function requirePasskeys({ config }: App): void {
  if (config.passkeys.enabled) return
  throw new AuthError('CONFLICT', { message: 'This server doesn’t offer passkeys. Sign in another way.' })
}
