import { createHash, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'

/** A public key with which a service account's assertions are verified. */
export type ClientKey = { kid: string; jwk: JsonWebKey }

/** The signature algorithms of assertions. Asymmetric only: the server stores nothing that could sign. */
export const ASSERTION_ALGORITHMS = ['ES256', 'RS256', 'PS256', 'EdDSA', 'Ed25519'] as const
export type AssertionAlgorithm = (typeof ASSERTION_ALGORITHMS)[number]

/** How many keys a service account can have. */
export const KEYS_MAX = 5

export const RSA_MIN_BITS = 2048
export const RSA_MAX_BITS = 4096
/** What every tool chooses. The time that a signature takes depends on it. */
const RSA_EXPONENT = 65_537n

/**
 * Reads a public key from a PEM text (SPKI) or a JWK (RFC 7517) and returns it without anything but its public parts. Its
 * ID is the `kid` of the JWK, or its thumbprint (RFC 7638). Undefined if it is none, or cannot sign with one of the
 * algorithms.
 */
export function readClientKey(text: string): ClientKey | undefined {
  try {
    const given = text.trimStart().startsWith('{')
      ? (JSON.parse(text) as JsonWebKey & { kid?: unknown })
      : undefined
    // A private key would be accepted too, and must not be sent here.
    if (given ? 'd' in given || 'k' in given : !text.includes('BEGIN PUBLIC KEY')) return undefined
    const key = given ? createPublicKey({ key: given, format: 'jwk' }) : createPublicKey(text)
    if (!isSupported(key)) return undefined
    const jwk = key.export({ format: 'jwk' })
    const kid = typeof given?.kid === 'string' && given.kid.length <= 200 ? given.kid : thumbprint(jwk)
    return { kid, jwk }
  } catch {
    return undefined
  }
}

function isSupported(key: KeyObject): boolean {
  const { namedCurve, modulusLength = 0, publicExponent } = key.asymmetricKeyDetails ?? {}
  if (key.asymmetricKeyType === 'ec') return namedCurve === 'prime256v1'
  if (key.asymmetricKeyType === 'rsa')
    return publicExponent === RSA_EXPONENT && modulusLength >= RSA_MIN_BITS && modulusLength <= RSA_MAX_BITS
  return key.asymmetricKeyType === 'ed25519'
}

function thumbprint({ kty, crv, x, y, n, e }: JsonWebKey): string {
  const members = kty === 'RSA' ? { e, kty, n } : kty === 'EC' ? { crv, kty, x, y } : { crv, kty, x }
  return createHash('sha256').update(JSON.stringify(members)).digest('base64url')
}

/** The type of the keys that sign with an algorithm. */
export const keyTypeOf = {
  ES256: 'EC',
  RS256: 'RSA',
  PS256: 'RSA',
  EdDSA: 'OKP',
  Ed25519: 'OKP',
} as const satisfies Record<AssertionAlgorithm, string>
