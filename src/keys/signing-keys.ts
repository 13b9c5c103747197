import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto'
import type pg from 'pg'
import { addSeconds, later } from '../clock.ts'
import { type SealingKeys, seal, unseal } from '../crypto/seal.ts'
import { type Database, type Queryable, recordReader, statement } from '../database/client.ts'
import { AuthError } from '../errors.ts'
import type { SigningKey } from '../generated/prisma/client.ts'

/** The purpose under which private keys are sealed. */
export const SIGNING = 'signing'
/** ECDSA on P-256 with SHA-256 (RFC 7518, section 3.4). */
export const ALGORITHM = 'ES256'
/** How long other services may cache the published keys. */
export const JWKS_MAX_AGE_SECONDS = 300
/** A margin for replicas that briefly cannot reach the database. */
const LATE_REPLICA_SECONDS = 120
/** The time from a key's publication to its first signature. By then, every cache has it. */
const PUBLISH_AHEAD_SECONDS = JWKS_MAX_AGE_SECONDS + LATE_REPLICA_SECONDS

/** A public key as published for other services (RFC 7517). */
export type Jwk = { kty: string; crv: string; x: string; y: string; kid: string; alg: string; use: 'sig' }

type LoadedKey = SigningKey & { privateKey: KeyObject; publicKey: KeyObject }
export type SigningKeys = readonly LoadedKey[]

/**
 * The key that signs at `now`. A key retires at the moment its successor activates.
 * @throws AuthError SERVICE_UNAVAILABLE while this replica cannot open any signing key
 */
export function signingKeyAt(keys: SigningKeys, now: Date): LoadedKey {
  const key = keys.find(({ activatesAt, retiredAt }) => activatesAt <= now && (!retiredAt || retiredAt > now))
  // If the clock was set back to before the first key, that key signs.
  const oldest = key ?? keys.at(-1)
  if (!oldest) throw new AuthError('SERVICE_UNAVAILABLE', { cause: 'no signing key could be opened' })
  return oldest
}

/** The public keys, including those that do not sign yet (RFC 7517, section 5). */
export function jwksOf(keys: SigningKeys): { keys: Jwk[] } {
  return { keys: keys.map(key => key.publicJwk as Jwk) }
}

export type SigningKeySource = {
  db: Database
  pool: pg.Pool
  sealing: SealingKeys
  now: Date
  longestTtlSeconds: number
}

const selectKeys = statement(
  'keys-signing',
  `SELECT kid, algorithm, public_jwk, sealed_private, created_at, activates_at, retired_at FROM signing_keys
   WHERE retired_at IS NULL OR retired_at > $1 ORDER BY activates_at DESC`,
)
const readKey = recordReader<SigningKey>([
  'kid',
  'algorithm',
  'publicJwk',
  'sealedPrivate',
  'createdAt',
  'activatesAt',
  'retiredAt',
])

/**
 * Loads the keys that sign or verify, newest first, and creates the very first one. A unique index allows only one key
 * that is not retired, so replicas that start at the same time agree on it. A retired key is omitted after
 * `longestTtlSeconds`, when the last token that it signed has expired.
 *
 * Does not open the keys in `known` again, because a replica with a newer secret may have resealed them.
 * @throws Error when a key is sealed under a secret that is not configured
 */
export async function loadSigningKeys(
  source: SigningKeySource,
  known: SigningKeys = [],
): Promise<SigningKeys> {
  const { db, pool, sealing, now, longestTtlSeconds } = source
  const stored = await selectKeys(pool, [addSeconds(now, -longestTtlSeconds)])
  const rows = stored.map(row => readKey(row, 0))
  if (rows.every(row => row.retiredAt !== null)) {
    await db.signingKey.createMany({ data: [generate(sealing, now, now)], skipDuplicates: true })
    return loadSigningKeys(source, known)
  }
  const loaded = new Map(known.map(key => [key.kid, key]))
  return Promise.all(
    rows.map(async row => {
      const { privateKey, publicKey } = loaded.get(row.kid) ?? (await open(db, sealing, row))
      return { ...row, privateKey, publicKey }
    }),
  )
}

async function open(
  db: Database,
  sealing: SealingKeys,
  { kid, sealedPrivate, publicJwk }: SigningKey,
): Promise<Pick<LoadedKey, 'privateKey' | 'publicKey'>> {
  const { plain, resealed } = unseal(sealedPrivate, SIGNING, sealing)
  if (resealed) {
    await db.signingKey.updateMany({ where: { kid, sealedPrivate }, data: { sealedPrivate: resealed } })
  }
  return {
    privateKey: createPrivateKey({ key: plain, format: 'der', type: 'pkcs8' }),
    publicKey: createPublicKey({ key: publicJwk as Jwk, format: 'jwk' }),
  }
}

export type Rotation = {
  key: SigningKey
  /** The IDs of the revoked keys. */
  revoked: string[]
}

/**
 * Creates the next signing key. By default, it is published first and signs once every cache has it. Until then, the
 * current key signs; afterwards it verifies until its last token has expired. With `revoke`, the new key signs
 * immediately and all other keys are deleted, because they may have leaked together. Concurrent rotations run one after
 * another, and each new key activates after the previous one even if a clock is behind.
 */
export async function rotateSigningKey(
  tx: Queryable,
  sealing: SealingKeys,
  now: Date,
  { revoke }: { revoke: boolean },
): Promise<Rotation> {
  await tx.$executeRaw`LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE`
  if (revoke) {
    const revoked = await tx.signingKey.findMany({ select: { kid: true }, orderBy: { activatesAt: 'asc' } })
    await tx.signingKey.deleteMany()
    const key = await tx.signingKey.create({ data: generate(sealing, now, now) })
    return { key, revoked: revoked.map(({ kid }) => kid) }
  }
  const last = await tx.signingKey.findFirst({ where: { retiredAt: null } })
  const activatesAt = later(
    addSeconds(now, PUBLISH_AHEAD_SECONDS),
    addSeconds(last?.activatesAt ?? now, 0.001),
  )
  await tx.signingKey.updateMany({ where: { retiredAt: null }, data: { retiredAt: activatesAt } })
  return { key: await tx.signingKey.create({ data: generate(sealing, now, activatesAt) }), revoked: [] }
}

function generate(sealing: SealingKeys, now: Date, activatesAt: Date): SigningKey & { publicJwk: Jwk } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { kty, crv, x, y } = publicKey.export({ format: 'jwk' }) as Pick<Jwk, 'kty' | 'crv' | 'x' | 'y'>
  const kid = thumbprint({ crv, kty, x, y })
  return {
    kid,
    algorithm: ALGORITHM,
    publicJwk: { kty, crv, x, y, kid, alg: ALGORITHM, use: 'sig' },
    sealedPrivate: seal(privateKey.export({ format: 'der', type: 'pkcs8' }), SIGNING, sealing.current),
    createdAt: now,
    activatesAt,
    retiredAt: null,
  }
}

/** The JWK thumbprint (RFC 7638): members in lexicographic order, without whitespace. */
function thumbprint({ crv, kty, x, y }: Pick<Jwk, 'kty' | 'crv' | 'x' | 'y'>): string {
  return createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url')
}
