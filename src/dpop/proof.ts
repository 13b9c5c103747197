import { hash, verify } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { z } from 'zod'
import type { App } from '../app.ts'
import type { PresentedProof, ProvenKey } from '../context.ts'
import { isFreshNonce } from './nonce.ts'
import { type ClientKey, publicJwk, readPublicKey } from './public-key.ts'

/** The algorithms of proofs. They are pinned: the header of a proof only confirms one. */
export const PROOF_ALGORITHMS = ['ES256'] as const

/** Longer than any proof. Longer ones are refused before they are decoded. */
const PROOF_MAX_LENGTH = 4096
const SIGNATURE_LENGTH = 86
/** Three parts in base64url (RFC 7515, section 7.1), the last of which is the 64 bytes of a signature. */
const FORM = /^[\w-]+\.[\w-]+\.[\w-]{86}$/
/** As much of a hash as tells proofs apart. */
const ID_BYTES = 16

/** `crit` would demand that this server understands an extension, and `b64` is one (RFC 7797). */
const headerSchema = z.object({
  typ: z.literal('dpop+jwt'),
  alg: z.enum(PROOF_ALGORITHMS),
  jwk: publicJwk,
  crit: z.undefined().optional(),
  b64: z.undefined().optional(),
})

type Claims = {
  jti: string
  htm: string
  htu: string
  /**
   * Required by section 4.2, and not compared with a clock. The time at which a proof was created is that of its nonce,
   * which this server set itself less than a minute ago (section 11.1 allows either). So a client whose clock is hours
   * off signs in and refreshes as any other, and a proof cannot be created in advance.
   */
  iat: number
  nonce: string | undefined
  /** The hash of the access token that the proof is for; undefined if it is for none. */
  ath: string | undefined
}

const JTI_MAX_LENGTH = 128

/** By hand, because every refresh with a key pays for it. */
function claimsIn(payload: unknown): Claims | undefined {
  if (typeof payload !== 'object' || payload === null) return undefined
  const { jti, htm, htu, iat, nonce, ath } = payload as Record<string, unknown>
  if (typeof jti !== 'string' || jti === '' || jti.length > JTI_MAX_LENGTH) return undefined
  if (typeof htm !== 'string' || typeof htu !== 'string') return undefined
  if (typeof iat !== 'number' || !Number.isFinite(iat) || iat < 0) return undefined
  if (!isTextIfAny(nonce) || !isTextIfAny(ath)) return undefined
  return { jti, htm, htu, iat, nonce, ath }
}

function isTextIfAny(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string'
}

/** Why a proof is refused: its nonce is missing or outdated, or it proves nothing. */
export type ProofFault = 'DPOP_NONCE' | 'DPOP_INVALID'

/**
 * The key that a proof proves to hold (RFC 9449, section 4.3), or why it proves none. The checks that cost nearly nothing
 * come first, so that only a proof with a fresh nonce has its signature verified.
 */
export function verifyProof(app: App, { proof, method, url }: PresentedProof): ProvenKey | ProofFault {
  const read = readProof(proof)
  if (!read) return 'DPOP_INVALID'
  const { htm, htu, nonce } = read.claims
  if (htm !== method || !isSameUrl(htu, url(app))) return 'DPOP_INVALID'
  if (nonce === undefined || !isFreshNonce(app, nonce)) return 'DPOP_NONCE'
  return keyOf(read) ?? 'DPOP_INVALID'
}

export type ReadProof = {
  header: string
  /** Reads the key in the header. @throws Error if it is none */
  key: () => ClientKey
  /** Whether a proof with this header was valid before. */
  isKnown: boolean
  claims: Claims
  signed: Buffer
  signature: Buffer
}

/**
 * The keys of the latest proofs that were valid, by their headers. A client sends the same header with every proof, and
 * reading the key in it takes as long as verifying a signature.
 */
const knownKeys = new LRUCache<string, ClientKey>({ max: 5000 })
/** Longer than the header of a client that adds nothing of its own. */
const KNOWN_MAX_LENGTH = 400

/** Reads a proof without verifying its signature. Undefined if it does not have the form of one. */
export function readProof(proof: string): ReadProof | undefined {
  if (proof.length > PROOF_MAX_LENGTH || !FORM.test(proof)) return undefined
  const [dot, lastDot] = [proof.indexOf('.'), proof.length - SIGNATURE_LENGTH - 1]
  const header = proof.slice(0, dot)
  const known = knownKeys.get(header)
  const key = known ? () => known : keyIn(header)
  const claims = claimsIn(decode(proof.slice(dot + 1, lastDot)))
  if (!key || !claims) return undefined
  const signed = Buffer.from(proof.slice(0, lastDot), 'latin1')
  const signature = Buffer.from(proof.slice(lastDot + 1), 'base64url')
  return { header, key, isKnown: known !== undefined, claims, signed, signature }
}

function keyIn(header: string): (() => ClientKey) | undefined {
  const { data } = headerSchema.safeParse(decode(header))
  return data && (() => readPublicKey(data.jwk))
}

/** The key that signed a proof; undefined if its signature is not by the key that it names. */
export function keyOf({
  header,
  key: read,
  isKnown,
  claims,
  signed,
  signature,
}: ReadProof): ProvenKey | undefined {
  try {
    const clientKey = read()
    const { key, thumbprint } = clientKey
    // RFC 7518, section 3.4: both numbers, one after the other.
    if (!verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, signature)) return undefined
    // Parts of a text keep the whole of it in memory, and copies do not.
    if (!isKnown && header.length <= KNOWN_MAX_LENGTH)
      knownKeys.set(Buffer.from(header).toString(), clientKey)
    // Not of the signature: anyone can compute a second one that is valid too.
    const proofId = hash('sha256', signed, 'buffer').subarray(0, ID_BYTES)
    return { thumbprint, proofId, accessTokenHash: claims.ath }
  } catch {
    return undefined
  }
}

function decode(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString())
  } catch {
    return undefined
  }
}

/** Compares addresses without query and fragment, after normalizing both (RFC 9449, section 4.3, item 9). */
function isSameUrl(htu: string, expected: string): boolean {
  if (htu === expected) return true
  if (!URL.canParse(htu)) return false
  const url = new URL(htu)
  url.search = ''
  url.hash = ''
  return url.href === new URL(expected).href
}

/** The `ath` of an access token (RFC 9449, section 4.2). */
export function accessTokenHash(token: string): string {
  return hash('sha256', token, 'base64url')
}
