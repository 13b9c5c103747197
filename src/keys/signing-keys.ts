import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto'
import { addSeconds, later } from '../clock.ts'
import { type SealingKeys, seal, unseal } from '../crypto/seal.ts'
import type { Database, Queryable } from '../database/client.ts'
import type { SigningKey } from '../generated/prisma/client.ts'

/** What the private halves are sealed for. */
export const SIGNING = 'signing'
/** ECDSA on P-256 with SHA-256 (RFC 7518, section 3.4). */
export const ALGORITHM = 'ES256'
/** How long other services may keep the published keys. */
export const JWKS_MAX_AGE_SECONDS = 300
/** How often a replica looks for keys that another one made. */
export const RELOAD_INTERVAL_SECONDS = 60
/** From a key's publication to its first signature: every cache has it by then. */
const PUBLISH_AHEAD_SECONDS = JWKS_MAX_AGE_SECONDS + 2 * RELOAD_INTERVAL_SECONDS

/** A public key as other services read it (RFC 7517). */
export type Jwk = { kty: string; crv: string; x: string; y: string; kid: string; alg: string; use: 'sig' }

type LoadedKey = SigningKey & { privateKey: KeyObject; publicKey: KeyObject }
export type SigningKeys = readonly LoadedKey[]

/** The key that signs at `now`: each one's last instant is its successor's first. */
export function signingKeyAt(keys: SigningKeys, now: Date): LoadedKey {
  const key = keys.find(({ activatesAt, retiredAt }) => activatesAt <= now && (!retiredAt || retiredAt > now))
  // A clock that was set back before the first key still signs.
  const oldest = key ?? keys.at(-1)
  if (!oldest) throw new Error('There is no signing key.')
  return oldest
}

/** The public halves, those that do not sign yet too (RFC 7517, section 5). */
export function jwksOf(keys: SigningKeys): { keys: Jwk[] } {
  return { keys: keys.map(key => key.publicJwk as Jwk) }
}

/**
 * The keys that sign or verify, the newest first; the very first is made here. A unique index admits one
 * key without an end, so replicas that start at once agree on it. A key is left out once the last token
 * that it can have signed has expired, which takes `longestTtlSeconds`.
 *
 * What is in `known` is not opened again: a replica under a newer secret may have sealed it anew.
 * @throws Error when a key is sealed under a secret that is not given
 */
export async function loadSigningKeys(
  db: Database,
  sealing: SealingKeys,
  now: Date,
  longestTtlSeconds: number,
  known: SigningKeys = [],
): Promise<SigningKeys> {
  const rows = await db.signingKey.findMany({
    where: { OR: [{ retiredAt: null }, { retiredAt: { gt: addSeconds(now, -longestTtlSeconds) } }] },
    orderBy: { activatesAt: 'desc' },
  })
  if (rows.every(row => row.retiredAt !== null)) {
    await db.signingKey.createMany({ data: [generate(sealing, now, now)], skipDuplicates: true })
    return loadSigningKeys(db, sealing, now, longestTtlSeconds, known)
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

/**
 * Makes the key that takes over once every cache has seen it, and gives the present one its end.
 * Of two at once the second waits for the first, and then follows it, also where its clock is behind.
 */
export async function rotateSigningKey(tx: Queryable, sealing: SealingKeys, now: Date): Promise<SigningKey> {
  await tx.$executeRaw`LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE`
  const last = await tx.signingKey.findFirst({ where: { retiredAt: null } })
  const activatesAt = later(
    addSeconds(now, PUBLISH_AHEAD_SECONDS),
    addSeconds(last?.activatesAt ?? now, 0.001),
  )
  await tx.signingKey.updateMany({ where: { retiredAt: null }, data: { retiredAt: activatesAt } })
  return tx.signingKey.create({ data: generate(sealing, now, activatesAt) })
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

/** RFC 7638: the members in lexical order, without white space. */
function thumbprint({ crv, kty, x, y }: Pick<Jwk, 'kty' | 'crv' | 'x' | 'y'>): string {
  return createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url')
}
