import type { KeyObject } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { type CoseKey, toKeyObject } from './cose-key.ts'
import { webauthnHelpers } from './library.ts'

/** A key takes about 2 kB. */
const MAX_KNOWN = 1000
const known = new LRUCache<string, KeyObject>({ max: MAX_KNOWN })
const keyOfCredential = new LRUCache<string, Uint8Array>({ max: MAX_KNOWN })

/** Remembers which COSE_Key a credential, by its ID in base64url, had in the database. */
export function rememberKey(credentialId: string, coseKey: Uint8Array): void {
  keyOfCredential.set(credentialId, coseKey)
}

/** The COSE_Key that a credential had when it was last read. A caller that relies on it compares it in the database. */
export function rememberedKey(credentialId: string): Uint8Array | undefined {
  return keyOfCredential.get(credentialId)
}

/**
 * The key in a stored COSE_Key. OpenSSL takes as long to check that a point is a valid key as to verify a signature, so
 * the keys that were used last are kept. They are found by their bytes, so a key that is removed or replaced is never
 * used for another credential.
 * @throws Error unless it is a valid key of an algorithm that this server verifies
 */
export async function knownKey(coseKey: Uint8Array): Promise<KeyObject> {
  const bytes = Buffer.from(coseKey.buffer, coseKey.byteOffset, coseKey.byteLength).toString('latin1')
  const before = known.get(bytes)
  if (before) return before
  const { isoCBOR } = await webauthnHelpers()
  const key = toKeyObject(isoCBOR.decodeFirst<CoseKey>(new Uint8Array(coseKey)))
  known.set(bytes, key)
  return key
}
