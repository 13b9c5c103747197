import { randomBytes } from 'node:crypto'
import { type SealingKeys, seal, unseal } from '../crypto/seal.ts'
import type { Database } from '../database/client.ts'

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
