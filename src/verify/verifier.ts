import { errors, type JWTPayload, jwtVerify } from 'jose'
import { AuthError, unauthenticated } from './errors.ts'
import { ALGORITHM, createKeySource, type Fetch } from './keys.ts'
import { createLiveness, type LivenessOptions } from './liveness.ts'
import { createProofCheck, type DpopOptions, type PresentedProof } from './proof.ts'
import { TokenCache } from './token-cache.ts'

/** RFC 9068, section 2.1. */
const TYPE = 'at+jwt'
const REQUIRED_CLAIMS = ['sub', 'iat', 'exp']

/** Who sent a request, as the access token says. */
export type Identity = {
  /** The ID of the user, or of the service account: the claim `sub`. */
  readonly userId: string
  /** The ID of the session: the claim `sid`. Undefined for a service account. */
  readonly sessionId: string | undefined
  /** The ID of the service account, if `serviceAccounts` is on and one sent the request. */
  readonly serviceAccountId: string | undefined
  /** The permissions of the user. Empty unless the server has `permissions` in TOKEN_CLAIMS, or liveness is on. */
  readonly permissions: readonly string[]
  /** The ID of the administrator who acts as the user: the claim `act` (RFC 8693). Undefined in the user's own sessions. */
  readonly actorId: string | undefined
  /** All claims of the token. */
  readonly claims: Readonly<JWTPayload>
}

export type VerifierOptions = {
  /** The server's TOKEN_ISSUER, by default its PUBLIC_URL, such as https://auth.example.com. */
  issuer: string
  /** The server's TOKEN_AUDIENCE. */
  audience: string
  /** The address of the server's keys. Default: `/.well-known/jwks.json` at the issuer. */
  jwksUrl?: string
  /** How far clocks may differ. Default: 60, as the server itself tolerates. */
  clockToleranceSeconds?: number
  /** Keeps the result for up to this number of tokens, because verifying a signature takes time. Default: 0. */
  cachedTokens?: number
  /** Accepts the tokens of service accounts too, which are not people. Default: false. */
  serviceAccounts?: boolean
  /** Asks the server whether tokens are still live, so that a revocation takes effect within 10 seconds. Default: off. */
  liveness?: LivenessOptions
  /** Accepts tokens that are bound to a key (RFC 9449). Without it, they are refused. */
  dpop?: DpopOptions
  /** Sends the requests. Default: the global `fetch`. */
  fetch?: Fetch
  /** The time in milliseconds. For tests. */
  now?: () => number
}

export type Verifier = {
  /**
   * Verifies an access token and returns who sent it. `presented` is the proof of a token that came as
   * `Authorization: DPoP`; `identify` and the guards find it by themselves.
   * @throws AuthError UNAUTHENTICATED with the reason INVALID or EXPIRED, with liveness REVOKED, and with dpop DPOP_INVALID;
   *   SERVICE_UNAVAILABLE if the keys, or with liveness the server, are out of reach
   */
  verify(token: string, presented?: PresentedProof): Promise<Identity>
}

/**
 * Verifies access tokens of an Authograph server (RFC 9068): ES256 and `typ: at+jwt` only. Loads the server's keys when
 * the first token arrives.
 * @throws TypeError if an option is missing or malformed
 */
export function createVerifier(options: VerifierOptions): Verifier {
  const { audience, clockToleranceSeconds = 60, cachedTokens = 0, now = Date.now } = options
  const { serviceAccounts = false } = options
  // jose skips the checks whose expected value is undefined.
  if (!audience || typeof audience !== 'string') throw new TypeError('createVerifier: audience is missing.')
  if (!URL.canParse(options.issuer)) throw new TypeError('createVerifier: issuer must be a URL.')
  const issuer = options.issuer.replace(/\/+$/, '')
  const cache = cachedTokens > 0 ? new TokenCache(cachedTokens) : undefined
  let keyChanges = 0
  const send: Fetch = options.fetch ?? ((url, init) => fetch(url, init))
  // Intervals do not depend on the machine's clock, which may be set back.
  const elapsed = options.now ?? (() => performance.now())
  const keys = createKeySource({
    url: options.jwksUrl ?? `${issuer}/.well-known/jwks.json`,
    fetch: send,
    now: elapsed,
    onChange: () => {
      keyChanges++
      cache?.clear()
    },
  })
  const live =
    options.liveness &&
    createLiveness(
      { ...options.liveness, url: options.liveness.url ?? `${issuer}/oauth/introspect` },
      send,
      elapsed,
    )
  const findKey = ({ kid }: { kid?: string }) => keys.find(kid)
  const expected = {
    issuer,
    audience,
    algorithms: [ALGORITHM],
    typ: TYPE,
    requiredClaims: REQUIRED_CLAIMS,
    clockTolerance: clockToleranceSeconds,
  }

  async function verifySignature(token: string): Promise<Identity> {
    const nowMs = now()
    const nowSeconds = Math.floor(nowMs / 1000)
    const known = cache?.get(token, nowSeconds)
    if (known) {
      keys.keepFresh()
      return known
    }
    const changesBefore = keyChanges
    const { payload } = await jwtVerify(token, findKey, { ...expected, currentDate: new Date(nowMs) }).catch(
      (error: unknown) => {
        throw refusal(error)
      },
    )
    const identity = toIdentity(payload, serviceAccounts)
    if (!identity || Number(payload.iat) > nowSeconds + clockToleranceSeconds)
      throw unauthenticated('INVALID')
    // The key may have been withdrawn in the meantime, unless this token was the first that needed the keys.
    if (changesBefore === keyChanges || changesBefore === 0)
      cache?.set(token, { identity, validUntilSeconds: Number(payload.exp) + clockToleranceSeconds })
    return identity
  }

  const prove = options.dpop && createProofCheck(options.dpop, clockToleranceSeconds, now)

  return {
    verify: async (token, presented) => {
      const identity = await verifySignature(token)
      const { cnf } = identity.claims as { cnf?: { jkt?: unknown } }
      // A token that is bound is no bearer token, and the other way round (RFC 9449, section 7.1).
      if (cnf !== undefined && !prove) throw unauthenticated('INVALID', new Error(NO_DPOP))
      if (cnf !== undefined) await prove?.(token, String(cnf?.jkt), presented)
      else if (presented || options.dpop?.required) throw unauthenticated('DPOP_INVALID')
      return live ? live(token, identity) : identity
    },
  }
}

const NO_DPOP = 'The token is bound to a key. Set the option dpop of createVerifier.'

function refusal(error: unknown): unknown {
  if (error instanceof AuthError || !(error instanceof errors.JOSEError)) return error
  return unauthenticated(error instanceof errors.JWTExpired ? 'EXPIRED' : 'INVALID', error)
}

/** Frozen, because requests share it when it is cached. */
function toIdentity(claims: JWTPayload, serviceAccounts: boolean): Identity | undefined {
  const { sub, sid, client_id, iat, permissions, act } = claims
  if (typeof sub !== 'string' || typeof iat !== 'number') return undefined
  // RFC 9068, section 2.2: the subject of such a token is its client.
  const isService = sid === undefined && client_id === sub
  if (isService ? !serviceAccounts : typeof sid !== 'string') return undefined
  const names = Array.isArray(permissions) ? permissions.filter(name => typeof name === 'string') : []
  return Object.freeze({
    userId: sub,
    sessionId: typeof sid === 'string' ? sid : undefined,
    serviceAccountId: isService ? sub : undefined,
    permissions: Object.freeze(names),
    actorId: actorOf(act),
    claims: Object.freeze(claims),
  })
}

function actorOf(act: unknown): string | undefined {
  const { sub } = (act ?? {}) as { sub?: unknown }
  return typeof sub === 'string' ? sub : undefined
}
