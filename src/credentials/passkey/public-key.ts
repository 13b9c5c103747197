import { createPublicKey, type JsonWebKey } from 'node:crypto'
import { isoCBOR } from '@simplewebauthn/server/helpers'
import { ALGORITHMS, type CoseKey, CURVES, KEY_TYPES, LABELS, toKeyObject } from './cose-key.ts'

const { kty: KTY, alg: ALG, crv: CRV, n: N, x: X, e: E, y: Y } = LABELS

/**
 * The COSE_Key, as the database stores it, of a public key that another system stored as COSE_Key, as SPKI (DER) or as
 * JWK. Undefined if it is none of these, or of an algorithm that this server does not verify.
 */
export function toCosePublicKey(key: Uint8Array | JsonWebKey): Uint8Array<ArrayBuffer> | undefined {
  try {
    if (!(key instanceof Uint8Array)) return encode(fromJwk(key))
    // A COSE_Key is a CBOR map, major type 5; SPKI begins with the tag of a SEQUENCE.
    return key[0] === 0x30 ? encode(fromJwk(jwkOf(key))) : verified(key)
  } catch {
    return undefined
  }
}

function jwkOf(spki: Uint8Array): JsonWebKey {
  return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }).export({ format: 'jwk' })
}

function fromJwk(jwk: JsonWebKey): CoseKey {
  // Throws unless it is a valid public key.
  createPublicKey({ key: jwk, format: 'jwk' })
  const { kty, crv } = jwk
  const bytes = (text: string | undefined) => new Uint8Array(Buffer.from(text ?? '', 'base64url'))
  if (kty === 'EC' && crv === 'P-256') {
    return new Map<number, number | Uint8Array>([
      [KTY, KEY_TYPES.EC2],
      [ALG, ALGORITHMS.ES256],
      [CRV, CURVES.P256],
      [X, bytes(jwk.x)],
      [Y, bytes(jwk.y)],
    ])
  }
  if (kty === 'OKP' && crv === 'Ed25519') {
    return new Map<number, number | Uint8Array>([
      [KTY, KEY_TYPES.OKP],
      [ALG, ALGORITHMS.EDDSA],
      [CRV, CURVES.ED25519],
      [X, bytes(jwk.x)],
    ])
  }
  if (kty !== 'RSA') throw new Error('This server verifies no such keys')
  return new Map<number, number | Uint8Array>([
    [KTY, KEY_TYPES.RSA],
    [ALG, ALGORITHMS.RS256],
    [N, bytes(jwk.n)],
    [E, bytes(jwk.e)],
  ])
}

/** The same bytes if they are one COSE_Key that this server can verify with. */
function verified(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const own = new Uint8Array(bytes)
  toKeyObject(isoCBOR.decodeFirst<CoseKey>(own))
  return own
}

function encode(key: CoseKey): Uint8Array<ArrayBuffer> {
  return new Uint8Array(isoCBOR.encode(key as Parameters<typeof isoCBOR.encode>[0]))
}
