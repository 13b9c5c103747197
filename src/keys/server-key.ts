import { randomBytes } from 'node:crypto'
import { type SealingKey, seal, unseal } from '../crypto/seal.ts'
import type { Database } from '../database/client.ts'

/**
 * The symmetric key for `purpose`, made at first use and kept sealed in the database, so that every
 * replica has the same one. Two replicas that make it at once agree: the primary key decides.
 */
export async function loadServerKey(
  db: Database,
  purpose: string,
  sealing: SealingKey,
  now: Date,
): Promise<Buffer> {
  const found = await db.serverKey.findUnique({ where: { purpose } })
  if (found) return unseal(found.sealed, purpose, [sealing]).plain
  const sealed = seal(randomBytes(32), purpose, sealing)
  await db.serverKey.createMany({ data: [{ purpose, sealed, createdAt: now }], skipDuplicates: true })
  return loadServerKey(db, purpose, sealing, now)
}
