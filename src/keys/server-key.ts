import { randomBytes } from 'node:crypto'
import { type SealingKeys, seal, unseal } from '../crypto/seal.ts'
import type { Database, Queryable } from '../database/client.ts'

/** The purposes of the server's keys. */
export const SERVER_KEYS = {
  refreshToken: 'refresh-token',
  device: 'device-token',
  rateLimit: 'rate-limit',
} as const

export type ServerKeyName = keyof typeof SERVER_KEYS

/**
 * The symmetric key for `purpose`, made at first use and kept sealed in the database, so that every
 * replica has the same one. Two replicas that make it at once agree: the primary key decides.
 * @throws Error when it was sealed under a secret that is not given
 */
export async function loadServerKey(
  db: Database,
  purpose: string,
  sealing: SealingKeys,
  now: Date,
): Promise<Buffer> {
  const found = await db.serverKey.findUnique({ where: { purpose } })
  if (found) {
    const { plain, resealed } = unseal(found.sealed, purpose, sealing)
    if (resealed) {
      await db.serverKey.updateMany({ where: { purpose, sealed: found.sealed }, data: { sealed: resealed } })
    }
    return plain
  }
  const sealed = seal(randomBytes(32), purpose, sealing.current)
  await db.serverKey.createMany({ data: [{ purpose, sealed, createdAt: now }], skipDuplicates: true })
  return loadServerKey(db, purpose, sealing, now)
}

/**
 * Replaces the key for `purpose`: what the old one authenticated is worth nothing from then on. Replicas take the new
 * one over within seconds.
 */
export async function renewServerKey(
  tx: Queryable,
  purpose: string,
  sealing: SealingKeys,
  now: Date,
): Promise<void> {
  const sealed = seal(randomBytes(32), purpose, sealing.current)
  // Replicas tell two keys apart by the time of creation, also where this machine's clock is behind.
  await tx.$executeRaw`
    INSERT INTO server_keys (purpose, sealed, created_at) VALUES (${purpose}, ${sealed}, ${now})
    ON CONFLICT (purpose) DO UPDATE SET sealed = excluded.sealed,
      created_at = greatest(excluded.created_at, server_keys.created_at + interval '1 ms')`
}
