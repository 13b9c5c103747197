import { createHmac, timingSafeEqual } from 'node:crypto'
import type { App } from '../app.ts'

/** How long a nonce is valid. */
export const NONCE_SECONDS = 60
/** How far apart two replicas may read the database's time. */
const READING_SECONDS = 2

const TIME_BYTES = 6
const MAC_BYTES = 16
const LENGTH = Math.ceil(((TIME_BYTES + MAC_BYTES) * 4) / 3)

/**
 * A nonce for the header `DPoP-Nonce` (RFC 9449, section 8): the time, and an HMAC of it under a key that all replicas
 * share. Nothing is stored, so a stranger can request any number of them.
 */
export function newNonce(app: App): string {
  const time = Buffer.alloc(TIME_BYTES)
  time.writeUIntBE(app.clock.now().getTime(), 0, TIME_BYTES)
  return Buffer.concat([time, macOf(app, time)]).toString('base64url')
}

/** Whether this server issued the nonce within the last 60 seconds. */
export function isFreshNonce(app: App, nonce: string): boolean {
  if (nonce.length !== LENGTH) return false
  const bytes = Buffer.from(nonce, 'base64url')
  if (bytes.length !== TIME_BYTES + MAC_BYTES) return false
  const time = bytes.subarray(0, TIME_BYTES)
  if (!timingSafeEqual(bytes.subarray(TIME_BYTES), macOf(app, time))) return false
  const ageSeconds = (app.clock.now().getTime() - time.readUIntBE(0, TIME_BYTES)) / 1000
  return -READING_SECONDS <= ageSeconds && ageSeconds <= NONCE_SECONDS
}

function macOf({ keys }: App, time: Buffer): Buffer {
  return createHmac('sha256', keys.dpopNonce).update(time).digest().subarray(0, MAC_BYTES)
}
