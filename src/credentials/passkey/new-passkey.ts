import { v7 as uuidv7 } from 'uuid'
import type { App } from '../../app.ts'
import type { Queryable } from '../../database/client.ts'
import { insertSql, toRows } from '../../database/insert.ts'
import { AuthError } from '../../errors.ts'
import type { Passkey } from '../../generated/prisma/client.ts'
import type { Claim } from '../proof.ts'
import type { PasskeyAnswer } from './ceremony-ticket.ts'
import { passkeyInvalid } from './prove.ts'
import { providerOf } from './providers.ts'
import { verifyCreation } from './verify.ts'

export type NewPasskey = {
  userId: string
  /** Base64url. */
  userHandle: string
  securityKey: boolean
  automatic: boolean
  /** The name that the owner chose. */
  name?: string | null | undefined
}

const PASSKEYS_MAX = 50

export const passkeyColumns = {
  id: 'id',
  userId: 'user_id',
  credentialId: 'credential_id',
  publicKey: 'public_key',
  counter: 'counter',
  backupEligible: 'backup_eligible',
  backedUp: 'backed_up',
  discoverable: 'discoverable',
  transports: 'transports',
  aaguid: 'aaguid',
  rpId: 'rp_id',
  userHandle: 'user_handle',
  name: 'name',
  createdAt: 'created_at',
  lastUsedAt: 'last_used_at',
} as const satisfies Record<keyof Passkey, string>

/**
 * Verifies the browser's answer to a creation, whose ticket the caller has opened. A passkey verifies the person, unless
 * the browser created it by itself. A security key need not.
 * @throws AuthError PASSKEY_INVALID
 */
export async function verifyNewPasskey(
  app: App,
  { ticket, credential }: PasskeyAnswer,
  { userId, userHandle, securityKey, automatic, name }: NewPasskey,
): Promise<Passkey> {
  const rules = { requireUserVerification: !securityKey, unattended: automatic }
  const created = await verifyCreation(app.config.passkeys, ticket, credential, rules)
  if (!created) throw passkeyInvalid('REFUSED', 'not created')
  const { credentialId, publicKey, counter, backupEligible, backedUp, transports, aaguid } = created
  const kind = securityKey ? 'Security key' : 'Passkey'
  return {
    id: uuidv7(),
    userId,
    credentialId: new Uint8Array(Buffer.from(credentialId, 'base64url')),
    publicKey,
    counter: BigInt(counter),
    backupEligible,
    backedUp,
    // Asked to be discoverable, it is, unless the browser says otherwise.
    discoverable: created.discoverable ?? !securityKey,
    transports,
    aaguid,
    rpId: app.config.passkeys.rpId,
    userHandle: new Uint8Array(Buffer.from(userHandle, 'base64url')),
    name: name ?? providerOf(aaguid) ?? kind,
    createdAt: app.clock.now(),
    lastUsedAt: null,
  }
}

/** The JSON parameter of `insertSql` for this passkey. */
export function toPasskeyRows(passkey: Passkey): string {
  return toRows(passkeyColumns, { ...passkey, counter: Number(passkey.counter) })
}

/** The error for a credential that an account already has. */
export function passkeyTaken(cause?: unknown): AuthError {
  return new AuthError('CONFLICT', {
    message: 'This passkey already belongs to an account, or your account has too many. Remove one first.',
    cause,
  })
}

/** Stores the passkey together with what it belongs to, unless an account has it or the account has 50. */
export function storedPasskey(passkey: Passkey): Claim {
  return {
    name: 'new-passkey',
    sql: first => `${insertSql('passkeys', passkeyColumns, first, 'account')}
      WHERE (SELECT count(*) FROM passkeys p WHERE p.user_id = r.user_id) < ${PASSKEYS_MAX}
      ON CONFLICT DO NOTHING RETURNING id`,
    values: [toPasskeyRows(passkey)],
    lost: () => passkeyTaken(),
  }
}

const insertPending = `WITH owner AS (UPDATE users SET webauthn_handle = $2 WHERE id = $3::uuid)
  ${insertSql('passkeys', passkeyColumns, 1)}`

/** Stores the passkey of a pending registration that has become the account `userId`, in the caller's transaction. */
export async function storePendingPasskey(
  tx: Queryable,
  userId: string,
  { rows, userHandle }: { rows: string; userHandle: string },
): Promise<void> {
  await tx.$executeRawUnsafe(
    insertPending,
    rows,
    new Uint8Array(Buffer.from(userHandle, 'base64url')),
    userId,
  )
}
