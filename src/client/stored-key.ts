import { base64url } from './base64url.ts'
import { newKeyPair } from './key-work.ts'
import { type KeyPair, type KeyStorage, type PublicKey, signerOf } from './session-key.ts'

/** A place for one text, such as a file or an entry of SecureStore. */
export type TextStorage = {
  get(): string | null | Promise<string | null>
  set(text: string): void | Promise<void>
  remove(): void | Promise<void>
}

/**
 * Keeps the key as text, for apps and programs that restart. Anyone who can read the text can use the key elsewhere: use a
 * place that only this app can read. Needs the Web Crypto API, which `react-native-quick-crypto` adds to React Native.
 */
export function storedKey(storage: TextStorage): KeyStorage {
  const get = async () => {
    const text = await storage.get()
    return text ? signerOf(await imported(JSON.parse(text) as PrivateJwk)) : null
  }
  return {
    get,
    create: async () => {
      const kept = await get()
      if (kept) return kept
      const pair = await newKeyPair(true)
      const { d } = await crypto.subtle.exportKey('jwk', pair.privateKey)
      await storage.set(JSON.stringify({ ...pair.publicKey, d }))
      return signerOf(pair)
    },
    remove: () => storage.remove(),
  }
}

type PrivateJwk = PublicKey & { d: string }

async function imported(jwk: PrivateJwk): Promise<KeyPair> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
  const privateKey = await crypto.subtle.importKey('jwk', jwk, algorithm, false, ['sign'])
  const { d: _, ...publicKey } = jwk
  return { publicKey, privateKey }
}

/**
 * Converts a signature of Keychain or Keystore for `SessionKey.sign`: from base64 of DER (RFC 3279, section 2.2.3) to
 * base64url of r and s, 32 bytes each.
 * @throws TypeError if it is no such signature
 */
export function rawSignature(derBase64: string): string {
  const bytes = Array.from(atob(derBase64), char => char.charCodeAt(0))
  // SEQUENCE, its length, then two INTEGERs with a leading zero if their first bit is set.
  let at = 2
  const integer = () => {
    const length = bytes[at + 1] ?? 0
    const value = bytes.slice(at + 2, at + 2 + length)
    if (bytes[at] !== 2 || value.length !== length) throw new TypeError('This is no ECDSA signature in DER.')
    at += 2 + length
    while (value.length > 32 && value[0] === 0) value.shift()
    if (value.length > 32) throw new TypeError('This is no signature of a key on the curve P-256.')
    return [...Array<number>(32 - value.length).fill(0), ...value]
  }
  if (bytes[0] !== 0x30) throw new TypeError('This is no ECDSA signature in DER.')
  return base64url(String.fromCharCode(...integer(), ...integer()))
}
