import { generateKeyPairSync, type JsonWebKey, randomBytes } from 'node:crypto'
import { type AssertionAlgorithm, keyTypeOf, RSA_MAX_BITS, RSA_MIN_BITS } from './client-keys.ts'

const decoys = new Map<string, JsonWebKey>()

/**
 * A key that verifies nothing. Checking an assertion of a client that does not exist against it takes as long as checking
 * a wrong one of a client that does. For RSA, it is as long as the signature, because no key of another length can verify
 * that. Undefined if no client can have such a key.
 */
export function decoyKey(algorithm: AssertionAlgorithm, signatureBytes: number): JsonWebKey | undefined {
  const type = keyTypeOf[algorithm]
  const isRsa = type === 'RSA'
  if (isRsa && (signatureBytes < RSA_MIN_BITS / 8 || signatureBytes > RSA_MAX_BITS / 8)) return undefined
  const name = isRsa ? `${type} ${signatureBytes}` : type
  const known = decoys.get(name) ?? newDecoy(type, signatureBytes)
  decoys.set(name, known)
  return known
}

function newDecoy(type: 'EC' | 'RSA' | 'OKP', bytes: number): JsonWebKey {
  if (type === 'EC')
    return generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
  if (type === 'OKP') return generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })
  // An odd modulus of full length, which takes no time to generate. Factoring it would only prove a client that
  // does not exist.
  const modulus = randomBytes(bytes)
  modulus[0] = (modulus[0] ?? 0) | 0x80
  modulus[bytes - 1] = (modulus[bytes - 1] ?? 0) | 1
  return { kty: 'RSA', n: modulus.toString('base64url'), e: 'AQAB' }
}
