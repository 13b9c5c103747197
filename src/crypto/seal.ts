import { createCipheriv, createDecipheriv, createHash, hkdfSync } from 'node:crypto'
import { randomBytes } from './random.ts'

/** An AES-256-GCM key derived from the server's secret, with the ID by which envelopes refer to it. */
export type SealingKey = { id: string; key: Buffer }

/** The key that seals, and the previous keys under which data in the database may still be sealed. */
export type SealingKeys = { current: SealingKey; previous: readonly SealingKey[] }

const IV_BYTES = 12
const TAG_BYTES = 16

/** Derives the sealing key from a secret with HKDF-SHA-256 (RFC 5869). */
export function sealingKey(secret: string): SealingKey {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'authograph sealing key v1', 32))
  const id = createHash('sha256').update(key).digest('base64url').slice(0, 8)
  return { id, key }
}

/**
 * Encrypts `plain`. The result can only be decrypted with the same key and the same `purpose`.
 * The envelope is `v1.<key ID>.<base64url of IV, tag and ciphertext>`.
 */
export function seal(plain: Buffer, purpose: string, { id, key }: SealingKey): string {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(`${id}.${purpose}`))
  const body = Buffer.concat([cipher.update(plain), cipher.final()])
  return `v1.${id}.${Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64url')}`
}

/**
 * Decrypts an envelope. If a previous key sealed it, also returns the envelope to store in its place.
 * @throws Error when none of the keys sealed it, when it was changed, or when it was sealed for another purpose
 */
export function unseal(
  envelope: string,
  purpose: string,
  { current, previous }: SealingKeys,
): { plain: Buffer; resealed: string | undefined } {
  const [version, id, data] = envelope.split('.')
  const key = [current, ...previous].find(candidate => candidate.id === id)
  if (version !== 'v1' || !key || !data) {
    throw new Error(
      `The ${purpose} key in the database is sealed under another secret. Start with the AUTHOGRAPH_SECRET that this database was used with, or add it to AUTHOGRAPH_PREVIOUS_SECRETS.`,
    )
  }
  const plain = open(Buffer.from(data, 'base64url'), purpose, key)
  return { plain, resealed: key === current ? undefined : seal(plain, purpose, current) }
}

function open(bytes: Buffer, purpose: string, { id, key }: SealingKey): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES), {
    authTagLength: TAG_BYTES,
  })
    .setAAD(Buffer.from(`${id}.${purpose}`))
    .setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
  return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()])
}
