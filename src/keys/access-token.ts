import { randomUUID } from 'node:crypto'
import jwt from 'jsonwebtoken'
import { LRUCache } from 'lru-cache'
import { z } from 'zod'
import type { App } from '../app.ts'
import { unauthenticated } from '../errors.ts'
import { ALGORITHM, signingKeyAt } from './signing-keys.ts'

/** RFC 9068, section 2.1. */
const TYPE = 'at+jwt'
/** Tolerates clock skew between servers (RFC 7519, sections 4.1.4 and 4.1.6). */
export const CLOCK_LEEWAY_SECONDS = 60

const headerSchema = z.object({ typ: z.literal(TYPE), alg: z.literal(ALGORITHM), kid: z.string() }).strict()
const claimsSchema = z.object({
  sub: z.uuid(),
  sid: z.uuid(),
  /** The generation of the refresh token that was issued with it. */
  gen: z.int().nonnegative(),
  jti: z.string(),
  /** How strongly its session was authenticated when it was issued; see sessions/strength.ts. */
  acr: z.string().optional(),
  /** The administrator who acts as the user (RFC 8693, section 4.1). */
  act: z.object({ sub: z.uuid() }).optional(),
  iat: z.int(),
  exp: z.int(),
})

export type AccessClaims = z.output<typeof claimsSchema>

/** Claims that only this server sets. `accessTokenClaims` must not set them. */
const OWN_CLAIMS = new Set(
  'iss sub aud exp nbf iat jti client_id sid gen auth_time acr amr cnf act'.split(' '),
)

export type AccessTokenSubject = {
  userId: string
  sessionId: string
  generation: number
  /**
   * How the session was authenticated (OpenID Connect Core 1.0, section 2; RFC 8176). Undefined if its user was not: then
   * no service takes the token for a strong or recent sign-in.
   */
  assurance: { acr: string; amr: readonly string[]; auth_time: number } | undefined
  /** The administrator who acts as the user. */
  impersonatorId?: string | undefined
}

/**
 * Signs an access token (RFC 9068) that is valid for `ttlSeconds` and includes the `extra` claims.
 * `sid` is the session ID (OpenID Connect Back-Channel Logout, section 2.1).
 * @throws Error when `extra` contains a claim that only this server sets
 */
export function signAccessToken(
  app: App,
  { userId, sessionId, generation, assurance, impersonatorId }: AccessTokenSubject,
  ttlSeconds: number,
  extra: Record<string, unknown> = {},
): { token: string; expiresAt: Date } {
  const own = Object.keys(extra).filter(name => OWN_CLAIMS.has(name))
  if (own.length > 0) throw new Error(`accessTokenClaims must not set: ${own.join(', ')}`)
  const now = app.clock.now()
  const issuedAt = Math.floor(now.getTime() / 1000)
  const { kid, privateKey } = signingKeyAt(app.keys.signing, now)
  const expiresAtSeconds = issuedAt + ttlSeconds
  const token = jwt.sign(
    {
      ...extra,
      iss: app.config.tokens.issuer,
      aud: app.config.tokens.audience,
      sub: userId,
      client_id: app.config.tokens.audience,
      sid: sessionId,
      gen: generation,
      ...assurance,
      ...(impersonatorId !== undefined && { act: { sub: impersonatorId } }),
      jti: randomUUID(),
      iat: issuedAt,
      exp: expiresAtSeconds,
    },
    privateKey,
    { algorithm: ALGORITHM, header: { alg: ALGORITHM, typ: TYPE, kid } },
  )
  return { token, expiresAt: new Date(expiresAtSeconds * 1000) }
}

/**
 * Verifies an access token and returns its claims.
 *
 * Valid signatures are cached, because verifying one takes longer than the rest of a request. The times are checked on
 * every call.
 * @throws AuthError UNAUTHENTICATED, with the reason EXPIRED or INVALID
 */
export function verifyAccessToken(app: App, token: string): AccessClaims {
  const claims = readAccessToken(app, token)
  const now = Math.floor(app.clock.now().getTime() / 1000)
  if (claims.iat > now + CLOCK_LEEWAY_SECONDS) throw unauthenticated('INVALID')
  if (claims.exp <= now - CLOCK_LEEWAY_SECONDS) throw unauthenticated('EXPIRED')
  return claims
}

/**
 * The claims of an access token that this server signed. It may have expired, which is sufficient for signing out.
 * @throws AuthError UNAUTHENTICATED, with the reason INVALID
 */
export function readAccessToken(app: App, token: string): AccessClaims {
  const known = app.keys.verified.get(token)
  if (known) return known
  const claims = checkSignature(app, token)
  app.keys.verified.set(token, claims)
  return claims
}

/** A bounded cache of tokens with a valid signature. */
export function verifiedTokens(): LRUCache<string, AccessClaims> {
  return new LRUCache({ max: 5000 })
}

/**
 * `jsonwebtoken` accepts a missing `exp`, an unknown `crit` and any `typ`, so schemas check the header and the claims.
 * The server chooses the algorithm and the key; the token only names the key ID.
 */
function checkSignature(app: App, token: string): AccessClaims {
  try {
    const header = headerSchema.parse(decodeHeader(token))
    const key = app.keys.signing.find(({ kid }) => kid === header.kid)
    if (!key) throw new Error('unknown kid')
    const payload = jwt.verify(token, key.publicKey, {
      algorithms: [ALGORITHM],
      issuer: app.config.tokens.issuer,
      audience: app.config.tokens.audience,
      ignoreExpiration: true,
      clockTimestamp: Math.floor(app.clock.now().getTime() / 1000),
    })
    return claimsSchema.parse(payload)
  } catch {
    throw unauthenticated('INVALID')
  }
}

function decodeHeader(token: string): unknown {
  return JSON.parse(Buffer.from(token.slice(0, token.indexOf('.')), 'base64url').toString())
}
