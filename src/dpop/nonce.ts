import { createHmac, timingSafeEqual } from 'node:crypto'
import { LRUCache } from 'lru-cache'
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
 * share. Nothing is stored, so a stranger can request any number of them. All nonces of one second are the same.
 */
export function newNonce(app: App): string {
  const ms = Math.floor(app.clock.now().getTime() / 1000) * 1000
  return Buffer.concat([bytesOf(ms), macOf(app, ms)]).toString('base64url')
}

/** Whether this server issued the nonce within the last 60 seconds. */
export function isFreshNonce(app: App, nonce: string): boolean {
  if (nonce.length !== LENGTH) return false
  const bytes = Buffer.from(nonce, 'base64url')
  if (bytes.length !== TIME_BYTES + MAC_BYTES) return false
  const ms = bytes.readUIntBE(0, TIME_BYTES)
  const ageSeconds = (app.clock.now().getTime() - ms) / 1000
  if (ageSeconds < -READING_SECONDS || ageSeconds > NONCE_SECONDS) return false
  return timingSafeEqual(bytes.subarray(TIME_BYTES), macOf(app, ms))
}

/** The codes of the latest seconds, by key: nearly every request of a minute needs the same few. */
const macs = new WeakMap<Buffer, LRUCache<number, Buffer>>()

function macOf({ keys: { dpopNonce } }: App, ms: number): Buffer {
  const known = macs.get(dpopNonce) ?? new LRUCache<number, Buffer>({ max: 2 * NONCE_SECONDS })
  macs.set(dpopNonce, known)
  const found = known.get(ms)
  if (found) return found
  const mac = createHmac('sha256', dpopNonce).update(bytesOf(ms)).digest().subarray(0, MAC_BYTES)
  known.set(ms, mac)
  return mac
}

function bytesOf(ms: number): Buffer {
  const bytes = Buffer.alloc(TIME_BYTES)
  bytes.writeUIntBE(ms, 0, TIME_BYTES)
  return bytes
}
