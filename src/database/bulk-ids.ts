import { randomFillSync } from 'node:crypto'
import { v7 as uuidv7 } from 'uuid'

const ID_BYTES = 16
const pool = Buffer.alloc(1024 * ID_BYTES)
let used = pool.length

/**
 * A UUIDv7 for bulk inserts. Random bytes are drawn in blocks, because one system call per ID would take most of the
 * time. IDs of the same millisecond are not ordered.
 */
export function newBulkId(): string {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const random = pool.subarray(used, used + ID_BYTES)
  used += ID_BYTES
  return uuidv7({ random })
}
