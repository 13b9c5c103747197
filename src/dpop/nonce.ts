import { createHmac, timingSafeEqual } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { App } from '../app.ts'

/** How long a nonce is valid. */
export const NONCE_SECONDS = 60
/** How far apart two replicas may read the database's time. */
const READING_SECONDS = 2

const TIME_BYTES = 6
/** A multiple of three bytes, so that the time has characters of its own. */
const TIME_LENGTH = (TIME_BYTES * 4) / 3
const MAC_BYTES = 16
const LENGTH = Math.ceil(((TIME_BYTES + MAC_BYTES) * 4) / 3)

/**
 * A nonce for the header `DPoP-Nonce` (RFC 9449, section 8): the time, and an HMAC of it under a key that all replicas
 * share. Nothing is stored, so a stranger can request any number of them. All nonces of one second are the same.
 */
export function newNonce(app: App): string {
  return nonceAt(app, Math.floor(app.clock.now().getTime() / 1000) * 1000)
}

/** Whether this server issued the nonce within the last 60 seconds. */
export function isFreshNonce(app: App, nonce: string): boolean {
  if (nonce.length !== LENGTH) return false
  const time = Buffer.from(nonce.slice(0, TIME_LENGTH), 'base64url')
  if (time.length !== TIME_BYTES) return false
  const ms = time.readUIntBE(0, TIME_BYTES)
  const ageSeconds = (app.clock.now().getTime() - ms) / 1000
  if (ageSeconds < -READING_SECONDS || ageSeconds > NONCE_SECONDS || ms % 1000 !== 0) return false
  return isSame(nonce, nonceAt(app, ms))
}

/** Takes the same time for every nonce of this length. */
function isSame(nonce: string, issued: string): boolean {
  const bytes = Buffer.from(nonce)
  return bytes.length === LENGTH && timingSafeEqual(bytes, Buffer.from(issued))
}

/** The nonces of the latest seconds, by key: nearly every request of a minute needs the same few. */
const issued = new WeakMap<Buffer, LRUCache<number, string>>()

function nonceAt({ keys: { dpopNonce } }: App, ms: number): string {
  const known = issued.get(dpopNonce) ?? new LRUCache<number, string>({ max: 2 * NONCE_SECONDS })
  issued.set(dpopNonce, known)
  const found = known.get(ms)
  if (found !== undefined) return found
  const time = Buffer.alloc(TIME_BYTES)
  time.writeUIntBE(ms, 0, TIME_BYTES)
  const mac = createHmac('sha256', dpopNonce).update(time).digest().subarray(0, MAC_BYTES)
  const nonce = Buffer.concat([time, mac]).toString('base64url')
  known.set(ms, nonce)
  return nonce
}
