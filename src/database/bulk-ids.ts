import { v7 as uuidv7 } from 'uuid'
import { idBytes } from './id-bytes.ts'

/** A UUIDv7 for bulk inserts. IDs of the same millisecond are not ordered. */
export function newBulkId(): string {
  return uuidv7({ random: idBytes() })
}
