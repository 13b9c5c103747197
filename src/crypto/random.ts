import { randomFillSync } from 'node:crypto'

const POOL_BYTES = 4096

const pool = Buffer.alloc(POOL_BYTES)
let used = POOL_BYTES

/**
 * Random bytes of the operating system's generator, at most 4096. They are drawn for many calls together, because each
 * draw costs more than what it fetches. No byte is handed out twice, and none stays in memory after it was handed out.
 * @throws RangeError for more than 4096 bytes
 */
export function randomBytes(count: number): Buffer<ArrayBuffer> {
  if (count > POOL_BYTES) throw new RangeError('The pool is smaller.')
  if (used + count > POOL_BYTES) {
    randomFillSync(pool)
    used = 0
  }
  const bytes = Buffer.from(pool.subarray(used, used + count))
  pool.fill(0, used, used + count)
  used += count
  return bytes
}
