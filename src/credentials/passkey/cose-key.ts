import { createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto'

/** The labels of a COSE_Key (RFC 9052, section 7.1; RFC 9053, section 7; RFC 8230, section 4). */
export const LABELS = { kty: 1, alg: 3, crv: -1, n: -1, x: -2, e: -2, y: -3 } as const
export const KEY_TYPES = { OKP: 1, EC2: 2, RSA: 3 } as const
export const CURVES = { P256: 1, ED25519: 6 } as const
export const ALGORITHMS = { EDDSA: -8, ES256: -7, RS256: -257 } as const

export type CoseKey = Map<number, number | Uint8Array>

/**
 * The public key in a decoded COSE_Key.
 * @throws Error unless it is a valid key of an algorithm that this server verifies
 */
export function toKeyObject(key: CoseKey): KeyObject {
  return createPublicKey({ key: jwkOf(key), format: 'jwk' })
}

function jwkOf(key: CoseKey): JsonWebKey {
  const text = (label: number) => Buffer.from(key.get(label) as Uint8Array).toString('base64url')
  const { kty, alg, x, y, n, e } = LABELS
  const kind = `${key.get(kty)} ${key.get(alg)}`
  switch (kind) {
    case `${KEY_TYPES.EC2} ${ALGORITHMS.ES256}`:
      return { kty: 'EC', crv: 'P-256', x: text(x), y: text(y) }
    case `${KEY_TYPES.OKP} ${ALGORITHMS.EDDSA}`:
      return { kty: 'OKP', crv: 'Ed25519', x: text(x) }
    case `${KEY_TYPES.RSA} ${ALGORITHMS.RS256}`:
      return { kty: 'RSA', n: text(n), e: text(e) }
    default:
      throw new Error('This server does not verify such keys')
  }
}

/** Whether the key signed `data`, by the algorithm that belongs to the type of the key. */
export function isSignedBy(key: KeyObject, data: Uint8Array, signature: Uint8Array): boolean {
  return verify(key.asymmetricKeyType === 'ed25519' ? null : 'sha256', data, key, signature)
}
