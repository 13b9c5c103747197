// What few visits need: a sign-in creates a key, and DPOP=full hashes access tokens.

import { base64url } from './base64url.ts'
import { inIndex } from './key-index.ts'
import { type KeyPair, type PublicKey, type SessionKey, signerOf } from './session-key.ts'

/** A new key, which scripts can use but not read unless it is `extractable`. */
export async function newKeyPair(extractable = false): Promise<KeyPair> {
  const { subtle } = crypto
  const pair = await subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, extractable, ['sign'])
  const { kty, crv, x, y } = await subtle.exportKey('jwk', pair.publicKey)
  return { publicKey: { kty, crv, x, y } as PublicKey, privateKey: pair.privateKey }
}

/** The key of all tabs: of those that create one at the same time, the transaction settles whose is kept. */
export async function newIndexedKey(name: string): Promise<SessionKey> {
  const mine = await newKeyPair()
  const kept = await inIndex<KeyPair>('readwrite', keys => {
    // Fails if there is one already. The transaction still goes on.
    keys.add(mine, name).onerror = event => event.preventDefault()
    return keys.get(name)
  })
  return signerOf(kept)
}

export async function sha256(text: string): Promise<string> {
  return base64url(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
}
