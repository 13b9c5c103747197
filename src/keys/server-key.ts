import { randomBytes } from 'node:crypto'
import type pg from 'pg'
import { type SealingKeys, seal, unseal } from '../crypto/seal.ts'
import { type Database, type Queryable, statement } from '../database/client.ts'

/** The purposes of the server's keys. */
export const SERVER_KEYS = {
  refreshToken: 'refresh-token',
  device: 'device-token',
  factor: 'second-factor',
  rateLimit: 'rate-limit',
  emailCode: 'email-code',
  ticket: 'ticket',
  providerTokens: 'provider-tokens',
  apiKey: 'api-key',
  webhookSecrets: 'webhook-secrets',
  dpopNonce: 'dpop-nonce',
} as const

export type ServerKeyName = keyof typeof SERVER_KEYS

export type ServerKeySource = { db: Database; pool: pg.Pool; sealing: SealingKeys; now: Date }

const selectSealed = statement<[purpose: string, sealed: string]>(
  'keys-server',
  'SELECT purpose, sealed FROM server_keys',
)

/** The sealed keys in the database, by purpose. */
export async function readServerKeys(pool: pg.Pool): Promise<ReadonlyMap<string, string>> {
  return new Map(await selectSealed(pool, []))
}

/**
 * The symmetric key for `purpose`. Created on first use and stored sealed in the database, so that all replicas share
 * it. If two replicas create it at the same time, the primary key decides which one both use.
 * @param stored what `readServerKeys` read
 * @throws Error when it is sealed under a secret that is not configured
 */
export async function openServerKey(
  source: ServerKeySource,
  purpose: string,
  stored: ReadonlyMap<string, string>,
): Promise<Buffer> {
  const { db, pool, sealing, now } = source
  const found = stored.get(purpose)
  if (found !== undefined) {
    const { plain, resealed } = unseal(found, purpose, sealing)
    if (resealed) {
      await db.serverKey.updateMany({ where: { purpose, sealed: found }, data: { sealed: resealed } })
    }
    return plain
  }
  const sealed = seal(randomBytes(32), purpose, sealing.current)
  await db.serverKey.createMany({ data: [{ purpose, sealed, createdAt: now }], skipDuplicates: true })
  return openServerKey(source, purpose, await readServerKeys(pool))
}

/**
 * Replaces the key for `purpose`. Everything that the old key authenticated becomes invalid. Replicas load the new key
 * within seconds.
 */
export async function renewServerKey(
  tx: Queryable,
  purpose: string,
  sealing: SealingKeys,
  now: Date,
): Promise<void> {
  const sealed = seal(randomBytes(32), purpose, sealing.current)
  // Replicas detect a new key by its creation time, which must increase even if this machine's clock is behind.
  await tx.$executeRaw`
    INSERT INTO server_keys (purpose, sealed, created_at) VALUES (${purpose}, ${sealed}, ${now})
    ON CONFLICT (purpose) DO UPDATE SET sealed = excluded.sealed,
      created_at = greatest(excluded.created_at, server_keys.created_at + interval '1 ms')`
}
