import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto'
import { type SealingKey, seal, unseal } from '../crypto/seal.ts'
import type { Database } from '../database/client.ts'
import type { SigningKey } from '../generated/prisma/client.ts'

const PURPOSE = 'signing'
/** ECDSA on P-256 with SHA-256 (RFC 7518, section 3.4). */
export const ALGORITHM = 'ES256'

/** A public key as other services read it (RFC 7517). */
export type Jwk = { kty: string; crv: string; x: string; y: string; kid: string; alg: string; use: 'sig' }

export type SigningKeys = {
  /** Signs new access tokens. */
  current: { kid: string; privateKey: KeyObject }
  /** By `kid`: the keys whose tokens are accepted. */
  verifying: ReadonlyMap<string, KeyObject>
  jwks: { keys: Jwk[] }
}

/**
 * The signing keys, the first one made at first start. A unique index admits one current key, so
 * replicas that start at once agree on it.
 * @throws Error when the keys were sealed under another secret.
 */
export async function loadSigningKeys(db: Database, sealing: SealingKey, now: Date): Promise<SigningKeys> {
  const rows = await db.signingKey.findMany({ orderBy: { createdAt: 'desc' } })
  const current = rows.find(row => row.retiredAt === null)
  if (!current) {
    await db.signingKey.createMany({ data: [generate(sealing, now)], skipDuplicates: true })
    return loadSigningKeys(db, sealing, now)
  }
  const jwks = rows.map(row => row.publicJwk as Jwk)
  const der = unseal(current.sealedPrivate, PURPOSE, [sealing]).plain
  return {
    current: {
      kid: current.kid,
      privateKey: createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }),
    },
    verifying: new Map(jwks.map(jwk => [jwk.kid, createPublicKey({ key: jwk, format: 'jwk' })])),
    jwks: { keys: jwks },
  }
}

function generate(sealing: SealingKey, now: Date): SigningKey & { publicJwk: Jwk } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { kty, crv, x, y } = publicKey.export({ format: 'jwk' }) as Pick<Jwk, 'kty' | 'crv' | 'x' | 'y'>
  const kid = thumbprint({ crv, kty, x, y })
  return {
    kid,
    algorithm: ALGORITHM,
    publicJwk: { kty, crv, x, y, kid, alg: ALGORITHM, use: 'sig' },
    sealedPrivate: seal(privateKey.export({ format: 'der', type: 'pkcs8' }), PURPOSE, sealing),
    createdAt: now,
    retiredAt: null,
  }
}

/** RFC 7638: the members in lexical order, without white space. */
function thumbprint({ crv, kty, x, y }: Pick<Jwk, 'kty' | 'crv' | 'x' | 'y'>): string {
  return createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url')
}
