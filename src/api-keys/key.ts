import { createHmac, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto'
import type { App } from '../app.ts'
import { hashOf } from '../one-time-tokens/token.ts'

/**
 * An API key is `agk_<ID>_<secret>`, in lowercase hexadecimal. The secret is 20 random bytes and a checksum of everything
 * before it, under a key that only the server has. So a key that someone made up costs no query, not even one that a
 * careful attacker made up. Tools that search code for secrets find keys by their form.
 */
const PREFIX = 'agk_'
const SECRET_BYTES = 20
const CHECKSUM_BYTES = 12
const FORMAT = /^agk_([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})_[0-9a-f]{64}$/
const CHECKSUM_START = -2 * CHECKSUM_BYTES

export type NewApiKey = {
  id: string
  /** What the owner receives, once. */
  text: string
  /** What is stored. The secret is random, so that a fast hash is enough. */
  hash: Uint8Array<ArrayBuffer>
}

export function newApiKey(app: App): NewApiKey {
  const id = randomUUID()
  const body = `${PREFIX}${id.replaceAll('-', '')}_${randomBytes(SECRET_BYTES).toString('hex')}`
  const text = body + checksumOf(app, body).toString('hex')
  return { id, text, hash: hashOf(text) }
}

/** Whether a bearer token claims to be an API key. No access token does. */
export function isApiKey(token: string): boolean {
  return token.startsWith(PREFIX)
}

/** The ID in a key that this server issued, whether or not it is still valid. Undefined for any other text. */
export function idInKey(app: App, text: string): string | undefined {
  const [, ...parts] = FORMAT.exec(text) ?? []
  if (parts.length === 0) return undefined
  const presented = Buffer.from(text.slice(CHECKSUM_START), 'hex')
  return timingSafeEqual(presented, checksumOf(app, text.slice(0, CHECKSUM_START)))
    ? parts.join('-')
    : undefined
}

/** How the key begins, to recognize it by. */
export function prefixOf(id: string): string {
  return PREFIX + id.slice(0, 8)
}

function checksumOf(app: App, body: string): Buffer {
  return createHmac('sha256', app.keys.apiKey).update(body).digest().subarray(0, CHECKSUM_BYTES)
}
