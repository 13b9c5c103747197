import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { App } from '../../app.ts'
import { addSeconds } from '../../clock.ts'

/** Buttons stay on the screen longer, so the app asks for a nonce when the button is pressed. */
export const NONCE_TTL_SECONDS = 600

const TIME_BYTES = 6
const RANDOM_BYTES = 16
const TAG_BYTES = 16
const LENGTH = Math.ceil(((TIME_BYTES + RANDOM_BYTES + TAG_BYTES) * 4) / 3)

/**
 * A nonce for a sign-in on a device (OpenID Connect Core, section 15.5.2). The server recognizes it by its HMAC, so
 * asking for one stores nothing. Letters, digits, `-` and `_` only.
 */
export function createNonce(app: App): { nonce: string; expiresAt: Date } {
  const expiresAt = addSeconds(app.clock.now(), NONCE_TTL_SECONDS)
  const body = Buffer.alloc(TIME_BYTES + RANDOM_BYTES)
  body.writeUIntBE(expiresAt.getTime(), 0, TIME_BYTES)
  randomBytes(RANDOM_BYTES).copy(body, TIME_BYTES)
  return { nonce: Buffer.concat([body, tagOf(app, body)]).toString('base64url'), expiresAt }
}

/** When a nonce of this server expires. Undefined if it has expired, or is no nonce of this server. */
export function readNonce(app: App, nonce: string): Date | undefined {
  // Only one spelling of each nonce, so that it is used once.
  if (nonce.length !== LENGTH || !/^[\w-]+$/.test(nonce)) return undefined
  const bytes = Buffer.from(nonce, 'base64url')
  if (bytes.toString('base64url') !== nonce) return undefined
  const body = bytes.subarray(0, TIME_BYTES + RANDOM_BYTES)
  if (!timingSafeEqual(tagOf(app, body), bytes.subarray(body.length))) return undefined
  const expiresAt = new Date(body.readUIntBE(0, TIME_BYTES))
  return expiresAt > app.clock.now() ? expiresAt : undefined
}

/** Whether the claim is the nonce itself, or its SHA-256 in hexadecimal, as Apple's and other SDKs expect it. */
export function isNonceClaim(claim: unknown, nonce: string): boolean {
  if (typeof claim !== 'string') return false
  return claim === nonce || claim.toLowerCase() === createHash('sha256').update(nonce).digest('hex')
}

function tagOf({ keys }: App, body: Buffer): Buffer {
  const tag = createHmac('sha256', keys.ticket).update('provider nonce\0').update(body).digest()
  return tag.subarray(0, TAG_BYTES)
}
