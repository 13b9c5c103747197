import { base64url } from './base64url.ts'

/** The public half of a key on the curve P-256, as a JWK (RFC 7518, section 6.2.1). */
export type PublicKey = {
  readonly kty: 'EC'
  readonly crv: 'P-256'
  readonly x: string
  readonly y: string
}

/** A key that a session is bound to (RFC 9449). Only its holder can refresh the session. */
export type SessionKey = {
  readonly publicKey: PublicKey
  /**
   * Signs ASCII text with ECDSA and SHA-256. Returns the 64 bytes r and s in base64url; `rawSignature` converts what
   * Keychain and Keystore return.
   */
  sign(text: string): Promise<string>
  /** The SHA-256 of ASCII text in base64url, where the platform has no Web Crypto API. Only `DPOP=full` needs it. */
  sha256?(text: string): Promise<string>
}

/** Where the key of a session is kept. Every method may be asynchronous. */
export type KeyStorage = {
  /** The key, or null if there is none. Throws if it cannot be read now; then nothing is refreshed. */
  get(): SessionKey | null | Promise<SessionKey | null>
  /**
   * The key, created if there is none. If several clients share the place, all of them receive the same one. Null if this
   * platform can keep no key: sessions work without.
   */
  create(): SessionKey | null | Promise<SessionKey | null>
  /** Deletes the key. Called when a session ends here. */
  remove(): void | Promise<void>
}

export type KeyPair = { readonly publicKey: PublicKey; readonly privateKey: CryptoKey }

export function signerOf({ publicKey, privateKey }: KeyPair): SessionKey {
  const algorithm = { name: 'ECDSA', hash: 'SHA-256' }
  return {
    publicKey,
    sign: async text =>
      base64url(await crypto.subtle.sign(algorithm, privateKey, new TextEncoder().encode(text))),
  }
}

/** False on pages without https, and in React Native. */
export function canSign(): boolean {
  return !!globalThis.crypto?.subtle
}
