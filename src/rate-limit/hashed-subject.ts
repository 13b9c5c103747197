import { createHmac } from 'node:crypto'
import type { App } from '../app.ts'

/**
 * A name, an address or a secret as limits count it: HMAC-SHA-256, cut to 128 bits, under a key that only the server
 * has. A copy of the table confirms no guess at whose attempts were counted. The key is sealed in the database, so it
 * outlives a change of AUTHOGRAPH_SECRET, and the counts with it.
 */
export function hashedSubject({ keys }: Pick<App, 'keys'>, text: string | Uint8Array): string {
  return createHmac('sha256', keys.rateLimit).update(text).digest().subarray(0, 16).toString('base64url')
}
