import { randomUUID } from 'node:crypto'
import jwt from 'jsonwebtoken'
import { LRUCache } from 'lru-cache'
import { z } from 'zod'
import type { App } from '../app.ts'
import { unauthenticated } from '../errors.ts'
import { signCompactJws } from './compact-jws.ts'
import { ALGORITHM, signingKeyAt } from './signing-keys.ts'

/** RFC 9068, section 2.1. */
const TYPE = 'at+jwt'
/** Tolerates clock skew between servers (RFC 7519, sections 4.1.4 and 4.1.6). */
export const CLOCK_LEEWAY_SECONDS = 60

const headerSchema = z.object({ typ: z.literal(TYPE), alg: z.literal(ALGORITHM), kid: z.string() }).strict()
const sessionClaims = z.object({
  sub: z.uuid(),
  sid: z.uuid(),
  /** The generation of the refresh token that was issued with it. */
  gen: z.int().nonnegative(),
  jti: z.string(),
  /** How strongly its session was authenticated when it was issued; see sessions/strength.ts. */
  acr: z.string().optional(),
  /** The administrator who acts as the user (RFC 8693, section 4.1). */
  act: z.object({ sub: z.uuid() }).optional(),
  /** The thumbprint of the key that the token is bound to (RFC 9449, section 6.1). */
  cnf: z.object({ jkt: z.string() }).optional(),
  iat: z.int(),
  exp: z.int(),
})

/** The token of a service account: its subject is its client (RFC 9068, section 2.2), and there is no session. */
const serviceClaims = z
  .object({
    sub: z.uuid(),
    client_id: z.uuid(),
    sid: z.undefined().optional(),
    /** The generation of the account's secrets and keys when it was issued. */
    gen: z.int().nonnegative(),
    jti: z.uuid(),
    /** The permissions that the token is limited to. */
    scope: z.string().optional(),
    iat: z.int(),
    exp: z.int(),
  })
  .refine(({ sub, client_id }) => sub === client_id)

/** The claims of a session's access token. */
export type AccessClaims = z.output<typeof sessionClaims>
/** The claims of a service account's token. */
export type ServiceClaims = z.output<typeof serviceClaims>
export type TokenClaims = AccessClaims | ServiceClaims

/** Whether the token was issued to a service account. */
export function isOfService(claims: TokenClaims): claims is ServiceClaims {
  return claims.sid === undefined
}

/** Claims that only this server sets. `accessTokenClaims` must not set them. */
const OWN_CLAIMS = new Set(
  'iss sub aud exp nbf iat jti client_id sid gen auth_time acr amr cnf act scope'.split(' '),
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
  /** The thumbprint of the key to bind the token to; undefined for a bearer token. */
  keyThumbprint?: string | undefined
}

/**
 * Signs an access token (RFC 9068) that is valid for `ttlSeconds` and includes the `extra` claims.
 * `sid` is the session ID (OpenID Connect Back-Channel Logout, section 2.1).
 * @throws Error when `extra` contains a claim that only this server sets
 */
export function signAccessToken(
  app: App,
  { userId, sessionId, generation, assurance, impersonatorId, keyThumbprint }: AccessTokenSubject,
  ttlSeconds: number,
  extra: Record<string, unknown> = {},
): { token: string; expiresAt: Date } {
  const own = Object.keys(extra).filter(name => OWN_CLAIMS.has(name))
  if (own.length > 0) throw new Error(`accessTokenClaims must not set: ${own.join(', ')}`)
  return sign(app, ttlSeconds, {
    ...extra,
    aud: app.config.tokens.audience,
    sub: userId,
    client_id: app.config.tokens.audience,
    sid: sessionId,
    gen: generation,
    ...assurance,
    ...(impersonatorId !== undefined && { act: { sub: impersonatorId } }),
    ...(keyThumbprint !== undefined && { cnf: { jkt: keyThumbprint } }),
  })
}

export type ServiceTokenSubject = {
  id: string
  generation: number
  audience: string
  /** Permissions, separated by spaces, that the token is limited to. */
  scope: string | undefined
}

/** Signs a token of a service account (RFC 9068) that is valid for `ttlSeconds` and includes the `extra` claims. */
export function signServiceToken(
  app: App,
  { id, generation, audience, scope }: ServiceTokenSubject,
  ttlSeconds: number,
  extra: Record<string, unknown>,
): string {
  const own = { aud: audience, sub: id, client_id: id, gen: generation, ...(scope && { scope }) }
  return sign(app, ttlSeconds, { ...extra, ...own }).token
}

function sign(
  app: App,
  ttlSeconds: number,
  claims: Record<string, unknown>,
): { token: string; expiresAt: Date } {
  const now = app.clock.now()
  const iat = Math.floor(now.getTime() / 1000)
  const exp = iat + ttlSeconds
  const payload = { ...claims, iss: app.config.tokens.issuer, jti: randomUUID(), iat, exp }
  const token = signCompactJws(payload, TYPE, signingKeyAt(app.keys.signing, now))
  return { token, expiresAt: new Date(exp * 1000) }
}

/**
 * Verifies an access token for this server, of a session or of a service account, and returns its claims.
 *
 * Valid signatures are cached, because verifying one takes longer than the rest of a request. The times are checked on
 * every call.
 * @throws AuthError UNAUTHENTICATED, with the reason EXPIRED or INVALID
 */
export function verifyAccessToken(app: App, token: string): TokenClaims {
  return requireTimely(app, readAccessToken(app, token))
}

function requireTimely<Claims extends TokenClaims>(app: App, claims: Claims): Claims {
  const now = Math.floor(app.clock.now().getTime() / 1000)
  if (claims.iat > now + CLOCK_LEEWAY_SECONDS) throw unauthenticated('INVALID')
  if (claims.exp <= now - CLOCK_LEEWAY_SECONDS) throw unauthenticated('EXPIRED')
  return claims
}

/**
 * The claims of an access token that this server signed. It may have expired, which is sufficient for signing out.
 * @throws AuthError UNAUTHENTICATED, with the reason INVALID
 */
export function readAccessToken(app: App, token: string): TokenClaims {
  const known = app.keys.verified.get(token)
  if (known) return known
  const payload = checkSignature(app, token, app.config.tokens.audience)
  const { data: claims } = (payload.sid === undefined ? serviceClaims : sessionClaims).safeParse(payload)
  if (!claims) throw unauthenticated('INVALID')
  app.keys.verified.set(token, claims)
  return claims
}

/** All claims of a token that this server signed for any audience, expired or not. Undefined for anything else. */
export function signedClaims(app: App, token: string): Record<string, unknown> | undefined {
  try {
    return checkSignature(app, token, undefined)
  } catch {
    return undefined
  }
}

/**
 * The claims of a token of a service account for any audience, out of all the claims of the token. Undefined for another
 * kind of token, and for one that is not valid at this time.
 */
export function validServiceClaims(app: App, claims: Record<string, unknown>): ServiceClaims | undefined {
  const { data: own } = serviceClaims.safeParse(claims)
  try {
    return own && requireTimely(app, own)
  } catch {
    return undefined
  }
}

/** A bounded cache of tokens with a valid signature. */
export function verifiedTokens(): LRUCache<string, TokenClaims> {
  return new LRUCache({ max: 5000 })
}

/**
 * `jsonwebtoken` accepts a missing `exp`, an unknown `crit` and any `typ`, so schemas check the header and, by the caller, the claims.
 * The server chooses the algorithm and the key; the token only names the key ID.
 */
function checkSignature(app: App, token: string, audience: string | undefined): Record<string, unknown> {
  try {
    const header = headerSchema.parse(decodeHeader(token))
    const key = app.keys.signing.find(({ kid }) => kid === header.kid)
    if (!key) throw new Error('unknown kid')
    const payload = jwt.verify(token, key.publicKey, {
      algorithms: [ALGORITHM],
      issuer: app.config.tokens.issuer,
      // `jsonwebtoken` accepts any audience if it is undefined.
      ...(audience !== undefined && { audience }),
      ignoreExpiration: true,
      clockTimestamp: Math.floor(app.clock.now().getTime() / 1000),
    })
    if (typeof payload === 'string') throw new Error('no claims')
    return payload
  } catch {
    throw unauthenticated('INVALID')
  }
}

function decodeHeader(token: string): unknown {
  return JSON.parse(Buffer.from(token.slice(0, token.indexOf('.')), 'base64url').toString())
}
