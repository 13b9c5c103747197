import { errors, type JWTPayload, type JWTVerifyResult, jwtVerify, type ResolvedKey } from 'jose'
import { unauthenticated } from './errors.ts'
import { ALGORITHM, createKeySource, type Fetch, type Key } from './keys.ts'
import { createLiveness, type LivenessOptions } from './liveness.ts'
import { createProofCheck, type DpopOptions, type PresentedProof } from './proof.ts'
import { setWithin } from './set-within.ts'

/** RFC 9068, section 2.1. */
const TYPE = 'at+jwt'

type Verified = { identity: Identity; validUntilSeconds: number }

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
  const { audience, clockToleranceSeconds: clockTolerance = 60, cachedTokens = 0, now = Date.now } = options
  const { serviceAccounts = false } = options
  // jose skips the checks whose expected value is undefined.
  if (!audience || typeof audience !== 'string') throw new TypeError('createVerifier: audience is missing.')
  if (!URL.canParse(options.issuer)) throw new TypeError('createVerifier: issuer must be a URL.')
  const issuer = options.issuer.replace(/\/+$/, '')
  const cache = new Map<string, Verified>()
  /** By the first part of a token, which the tokens of one key share. Only verified tokens add to it. */
  const keyOf = new Map<string, Key>()
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
      cache.clear()
      keyOf.clear()
    },
  })
  const url = options.liveness?.url ?? `${issuer}/oauth/introspect`
  const live = options.liveness && createLiveness({ ...options.liveness, url }, send, elapsed)
  const prove = options.dpop && createProofCheck(options.dpop, clockTolerance, now)
  const findKey = ({ kid }: { kid?: string }) => keys.find(kid)
  const algorithms = [ALGORITHM]

  /** Who holds a token that was verified before. */
  function recall(token: string, nowSeconds: number): Identity | undefined {
    const known = cache.get(token)
    if (!known || nowSeconds >= known.validUntilSeconds) return undefined
    keys.keepFresh()
    return known.identity
  }

  // One function, because each further promise costs about 1% of a signature.
  async function verify(token: string, presented?: PresentedProof): Promise<Identity> {
    const nowMs = now()
    const nowSeconds = Math.floor(nowMs / 1000)
    // Looking a token up hashes all of it, which takes 2% of a signature.
    let identity = cachedTokens > 0 ? recall(token, nowSeconds) : undefined
    if (!identity) {
      const changesBefore = keyChanges
      const head = String(token).slice(0, String(token).indexOf('.'))
      const usual = keyOf.get(head)
      const expected = {
        issuer,
        audience,
        algorithms,
        typ: TYPE,
        clockTolerance,
        currentDate: new Date(nowMs),
      }
      let verified: JWTVerifyResult & Partial<ResolvedKey>
      try {
        // With the key at hand, jose has less to do. Keys that are no longer fresh may have to be waited for.
        if (usual && keys.keepFresh()) verified = await jwtVerify(token, usual, expected)
        else verified = await jwtVerify(token, findKey, expected)
      } catch (error) {
        throw refusal(error)
      }
      const { payload, key } = verified
      identity = toIdentity(payload, serviceAccounts)
      if (!identity || Number(payload.iat) > nowSeconds + clockTolerance) throw unauthenticated('INVALID')
      // The key may have been withdrawn in the meantime, unless the only change was that keys were loaded at all.
      if (keyChanges === changesBefore || keyChanges === 1) {
        if (key) keyOf.set(head, key)
        const validUntilSeconds = Number(payload.exp) + clockTolerance
        if (cachedTokens > 0) setWithin(cachedTokens, cache, token, { identity, validUntilSeconds })
      }
    }
    const { cnf } = identity.claims as { cnf?: { jkt?: unknown } }
    // A token that is bound is no bearer token, and the other way round (RFC 9449, section 7.1).
    if (cnf !== undefined && !prove) throw unauthenticated('INVALID', new Error(NO_DPOP))
    if (cnf !== undefined) await prove?.(token, String(cnf?.jkt), presented)
    else if (presented || options.dpop?.required) throw unauthenticated('DPOP_INVALID')
    return live ? live(token, identity) : identity
  }

  return { verify }
}

const NO_DPOP = 'The token is bound to a key. Set the option dpop of createVerifier.'

function refusal(error: unknown): unknown {
  if (!(error instanceof errors.JOSEError)) return error
  return unauthenticated(error instanceof errors.JWTExpired ? 'EXPIRED' : 'INVALID', error)
}

const NONE: readonly string[] = Object.freeze([])

/** Frozen, because requests share it when it is cached. */
function toIdentity(claims: JWTPayload, serviceAccounts: boolean): Identity | undefined {
  const { sub, sid, client_id, iat, exp, permissions, act } = claims
  // jose checks `exp` only if the token has it.
  if (typeof sub !== 'string' || typeof iat !== 'number' || typeof exp !== 'number') return undefined
  // RFC 9068, section 2.2: the subject of such a token is its client.
  const isService = sid === undefined && client_id === sub
  if (isService ? !serviceAccounts : typeof sid !== 'string') return undefined
  const names = Array.isArray(permissions) ? permissions.filter(name => typeof name === 'string') : NONE
  const actor = (act as { sub?: unknown } | null | undefined)?.sub
  return Object.freeze({
    userId: sub,
    sessionId: typeof sid === 'string' ? sid : undefined,
    serviceAccountId: isService ? sub : undefined,
    permissions: Object.freeze(names),
    actorId: typeof actor === 'string' ? actor : undefined,
    claims: Object.freeze(claims),
  })
}
