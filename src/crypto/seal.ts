import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'

/** A secret of the server, as an AES-256-GCM key with the id that envelopes name it by. */
export type SealingKey = { id: string; key: Buffer }

const IV_BYTES = 12
const TAG_BYTES = 16

/** The sealing key of a secret: HKDF-SHA-256 (RFC 5869), so that the secret itself encrypts nothing. */
export function sealingKey(secret: string): SealingKey {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'authograph sealing key v1', 32))
  const id = createHash('sha256').update(key).digest('base64url').slice(0, 8)
  return { id, key }
}

/**
 * Encrypts `plain` so that only holders of the key can read it, and only for the same `purpose`.
 * The envelope is `v1.<key id>.<base64url of iv, tag and ciphertext>`.
 */
export function seal(plain: Buffer, purpose: string, { id, key }: SealingKey): string {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(`${id}.${purpose}`))
  const body = Buffer.concat([cipher.update(plain), cipher.final()])
  return `v1.${id}.${Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64url')}`
}

/**
 * What was sealed, and the id of the key that sealed it.
 * @throws Error when none of the keys sealed it, or when it was changed or sealed for another purpose.
 */
export function unseal(
  envelope: string,
  purpose: string,
  keys: SealingKey[],
): { plain: Buffer; keyId: string } {
  const [version, id, data] = envelope.split('.')
  const key = keys.find(candidate => candidate.id === id)
  if (version !== 'v1' || !key || !data) {
    throw new Error(
      `The ${purpose} key in the database was sealed under another secret. Start with the AUTHOGRAPH_SECRET that the database was first used with.`,
    )
  }
  const bytes = Buffer.from(data, 'base64url')
  const decipher = createDecipheriv('aes-256-gcm', key.key, bytes.subarray(0, IV_BYTES), {
    authTagLength: TAG_BYTES,
  })
    .setAAD(Buffer.from(`${key.id}.${purpose}`))
    .setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
  const plain = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()])
  return { plain, keyId: key.id }
}
