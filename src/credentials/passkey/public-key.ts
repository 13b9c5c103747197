import { createPublicKey, type JsonWebKey } from 'node:crypto'
import { isoCBOR } from '@simplewebauthn/server/helpers'
import { KEY_ALGORITHMS } from './ceremony.ts'

/** The labels of a COSE_Key (RFC 9052, section 7.1; RFC 9053, section 7; RFC 8230, section 4). */
const KTY = 1
const ALG = 3
const CRV = -1
const N = -1
const X = -2
const E = -2
const Y = -3

const OKP = 1
const EC2 = 2
const RSA = 3
const P256 = 1
const ED25519 = 6

const EDDSA = -8
const ES256 = -7
const RS256 = -257

type CoseKey = Map<number, number | Uint8Array>

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
      [KTY, EC2],
      [ALG, ES256],
      [CRV, P256],
      [X, bytes(jwk.x)],
      [Y, bytes(jwk.y)],
    ])
  }
  if (kty === 'OKP' && crv === 'Ed25519') {
    return new Map<number, number | Uint8Array>([
      [KTY, OKP],
      [ALG, EDDSA],
      [CRV, ED25519],
      [X, bytes(jwk.x)],
    ])
  }
  if (kty !== 'RSA') throw new Error('This server verifies no such keys')
  return new Map<number, number | Uint8Array>([
    [KTY, RSA],
    [ALG, RS256],
    [N, bytes(jwk.n)],
    [E, bytes(jwk.e)],
  ])
}

/** The same bytes if they are one COSE_Key that this server can verify with. */
function verified(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const own = new Uint8Array(bytes)
  const key = isoCBOR.decodeFirst<CoseKey>(own)
  const text = (label: number) => Buffer.from(key.get(label) as Uint8Array).toString('base64url')
  const [kty, alg] = [key.get(KTY), key.get(ALG)]
  if (!KEY_ALGORITHMS.includes(alg as number)) throw new Error('This server does not verify the algorithm')
  if (kty === EC2) fromJwk({ kty: 'EC', crv: 'P-256', x: text(X), y: text(Y) })
  else if (kty === OKP) fromJwk({ kty: 'OKP', crv: 'Ed25519', x: text(X) })
  else fromJwk({ kty: 'RSA', n: text(N), e: text(E) })
  return own
}

function encode(key: CoseKey): Uint8Array<ArrayBuffer> {
  return new Uint8Array(isoCBOR.encode(key as Parameters<typeof isoCBOR.encode>[0]))
}
