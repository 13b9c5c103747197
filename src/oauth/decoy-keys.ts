import { generateKeyPairSync, type JsonWebKey, randomBytes } from 'node:crypto'
import type { AssertionAlgorithm } from './client-keys.ts'
import { keyTypeOf } from './client-keys.ts'

const decoys = new Map<string, JsonWebKey>()

/**
 * A key that verifies nothing. Checking an assertion of a client that does not exist against it takes as long as checking
 * a wrong one of a client that does.
 */
export function decoyKey(algorithm: AssertionAlgorithm): JsonWebKey {
  const type = keyTypeOf[algorithm]
  const known = decoys.get(type) ?? newDecoy(type)
  decoys.set(type, known)
  return known
}

function newDecoy(type: 'EC' | 'RSA' | 'OKP'): JsonWebKey {
  if (type === 'EC')
    return generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
  if (type === 'OKP') return generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })
  // An odd modulus of full length, which takes no time to generate. Factoring it would only prove a client that
  // does not exist.
  const modulus = randomBytes(256)
  modulus[0] = (modulus[0] ?? 0) | 0x80
  modulus[255] = (modulus[255] ?? 0) | 1
  return { kty: 'RSA', n: modulus.toString('base64url'), e: 'AQAB' }
}
