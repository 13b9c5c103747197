import { randomFillSync } from 'node:crypto'

const ID_BYTES = 16
const block = Buffer.alloc(1024 * ID_BYTES)
let used = block.length

/**
 * The random bytes of one ID. They are drawn in blocks, because one system call per ID would take most of the time. Each
 * is given once, and is only valid until the next block is drawn: use it immediately.
 */
export function idBytes(): Buffer {
  if (used === block.length) {
    randomFillSync(block)
    used = 0
  }
  const bytes = block.subarray(used, used + ID_BYTES)
  used += ID_BYTES
  return bytes
}
