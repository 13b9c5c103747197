import { createPublicKey, type JsonWebKey } from 'node:crypto'
import type { App } from '../app.ts'
import { addSeconds } from '../clock.ts'
import { jose } from '../credentials/provider/library.ts'
import { useOnce } from '../credentials/provider/used-nonce.ts'
import { CLOCK_LEEWAY_SECONDS } from '../keys/access-token.ts'
import { ASSERTION_ALGORITHMS, type AssertionAlgorithm, type ClientKey, KEYS_MAX } from './client-keys.ts'
import { decoyKey } from './decoy-keys.ts'
import type { Service } from './find-service-account.ts'
import { tokenEndpoint } from './metadata.ts'

/** Assertions are made for one request. The limit bounds what must be remembered to notice a second use. */
const LIFETIME_MAX_SECONDS = 600
const JTI_MAX_LENGTH = 255

/** Whether an assertion (RFC 7523, section 3) proves that its sender is the client. It is accepted once. */
export async function isAssertionOf(
  app: App,
  service: Service | undefined,
  clientId: string,
  assertion: string,
): Promise<boolean> {
  const claims = await verified(app, service, clientId, assertion)
  if (!claims || !service) return false
  const { jti, exp } = claims
  const expiresAt = addSeconds(new Date(exp * 1000), CLOCK_LEEWAY_SECONDS)
  return useOnce(app, 'client assertion', `${clientId}\0${jti}`, expiresAt)
}

type Claims = { jti: string; exp: number }

/**
 * Does the same work for a client that does not exist, and whatever keys a client has: an assertion that names its key is
 * verified with one key, and any other with as many as a client can have.
 */
async function verified(
  app: App,
  service: Service | undefined,
  clientId: string,
  assertion: string,
): Promise<Claims | undefined> {
  const { jwtVerify, decodeProtectedHeader } = await jose()
  const now = app.clock.now()
  try {
    const { alg, kid } = decodeProtectedHeader(assertion)
    if (!isAlgorithm(alg)) return undefined
    const decoy = decoyKey(alg, signatureBytes(assertion))
    if (!decoy) return undefined
    const keys = (service?.publicKeys ?? []).filter(key => fits(key, decoy, kid))
    const attempts = kid === undefined ? KEYS_MAX : 1
    for (let attempt = 0; attempt < attempts; attempt++) {
      const key = createPublicKey({ key: keys[attempt]?.jwk ?? decoy, format: 'jwk' })
      const result = await jwtVerify(assertion, key, {
        algorithms: [alg],
        issuer: clientId,
        subject: clientId,
        audience: [app.config.tokens.issuer, tokenEndpoint(app.config)],
        requiredClaims: ['exp', 'jti'],
        clockTolerance: CLOCK_LEEWAY_SECONDS,
        currentDate: now,
      }).catch(() => undefined)
      if (result) return acceptable(result.payload, now)
    }
  } catch {
    // Malformed.
  }
  return undefined
}

function isAlgorithm(alg: string | undefined): alg is AssertionAlgorithm {
  return ASSERTION_ALGORITHMS.some(algorithm => algorithm === alg)
}

function signatureBytes(assertion: string): number {
  return Buffer.from(assertion.split('.')[2] ?? '', 'base64url').length
}

/** Whether the key is of the decoy's type and length, and has the ID, if the assertion names one. */
function fits({ kid, jwk }: ClientKey, decoy: JsonWebKey, wanted: string | undefined): boolean {
  return (
    jwk.kty === decoy.kty && jwk.n?.length === decoy.n?.length && (wanted === undefined || wanted === kid)
  )
}

type Payload = { aud?: string | string[]; exp?: number; iat?: number; jti?: string }

/**
 * The audience must be this server alone. An assertion that names another one too could have been sent there first, and
 * that server could use it here.
 */
function acceptable({ aud, exp = 0, iat, jti }: Payload, now: Date): Claims | undefined {
  const latest = now.getTime() / 1000 + CLOCK_LEEWAY_SECONDS
  if (Array.isArray(aud) && aud.length !== 1) return undefined
  if (exp > latest + LIFETIME_MAX_SECONDS || (iat !== undefined && iat > latest)) return undefined
  if (typeof jti !== 'string' || jti === '' || jti.length > JTI_MAX_LENGTH) return undefined
  return { jti, exp }
}
