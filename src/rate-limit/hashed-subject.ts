import { createHmac } from 'node:crypto'
import type { App } from '../app.ts'

/**
 * Hashes a name, an address or a secret for use as the subject of a limit: HMAC-SHA-256, truncated to 128 bits. Only
 * the server has the key, so a leaked table does not reveal whose attempts were counted. The key is stored sealed in
 * the database, so the key and the counts survive a change of AUTHOGRAPH_SECRET.
 */
export function hashedSubject({ keys }: Pick<App, 'keys'>, text: string | Uint8Array): string {
  return createHmac('sha256', keys.rateLimit).update(text).digest().subarray(0, 16).toString('base64url')
}
