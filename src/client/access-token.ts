import type { AuthStrength } from './generated/enums.ts'

/**
 * An access token and its remaining lifetime when it arrived. The token's own times are not compared with the
 * device's clock, which may be wrong by days.
 */
export type AccessToken = {
  readonly text: string
  readonly sessionId: string
  readonly receivedAt: Instant
  readonly lifeMs: number
  /** The token is renewed when this much or less remains, so that it does not expire in transit. */
  readonly marginMs: number
}

/** Two clocks: the steady one may stop while the device sleeps, and the user may set the other. */
type Instant = { readonly steadyMs: number; readonly wallMs: number }

const MARGIN_MS = 10_000

function now(): Instant {
  return { steadyMs: globalThis.performance?.now() ?? 0, wallMs: Date.now() }
}

/**
 * A token that is valid for another `leftMs`; by default for its full lifetime, as when the server has just
 * issued it. A token that cannot be read counts as valid until the server refuses it.
 */
export function received(text: string, sessionId: string, leftMs?: number): AccessToken {
  const { iat, exp } = claimsOf(text)
  const fullMs = iat === undefined || exp === undefined ? Number.POSITIVE_INFINITY : (exp - iat) * 1000
  return {
    text,
    sessionId,
    receivedAt: now(),
    lifeMs: Math.min(leftMs ?? fullMs, fullMs),
    // With a fixed margin, a short-lived token would never be fresh.
    marginMs: Math.min(MARGIN_MS, fullMs / 10),
  }
}

/** The remaining lifetime, by the clock on which more time has passed. Zero or less means expired. */
export function leftMs({ receivedAt, lifeMs }: AccessToken): number {
  const { steadyMs, wallMs } = now()
  return lifeMs - Math.max(steadyMs - receivedAt.steadyMs, wallMs - receivedAt.wallMs)
}

/** Whether the token will still be valid when it reaches the server. */
export function isFresh(token: AccessToken): boolean {
  return leftMs(token) > token.marginMs
}

/** The ID of the token's session; undefined if the token cannot be read. */
export function sessionOf(text: string): string | undefined {
  return claimsOf(text).sid
}

const STRENGTHS: Partial<Record<string, AuthStrength>> = {
  '1fa': 'SINGLE',
  mfa: 'MULTI',
  phr: 'PHISHING_RESISTANT',
}

/** How strong the sign-in was that the token comes from; undefined if the token does not say. */
export function strengthOf({ text }: AccessToken): AuthStrength | undefined {
  return STRENGTHS[claimsOf(text).acr ?? '']
}

/** The ID of the administrator who acts as the user; undefined in the user's own sessions. */
export function impersonatorOf({ text }: AccessToken): string | undefined {
  return claimsOf(text).act?.sub
}

/** Whether the token counts only with a proof of its session's key (RFC 9449, section 6). */
export function isBound(text: string): boolean {
  return claimsOf(text).cnf?.jkt !== undefined
}

/** The server's time in milliseconds, although the device's clock may be wrong. Undefined if the token has no times. */
export function serverTimeMs(token: AccessToken): number | undefined {
  const { exp } = claimsOf(token.text)
  return exp && exp * 1000 - leftMs(token)
}

type Claims = {
  sid?: string
  iat?: number
  exp?: number
  acr?: string
  act?: { sub?: string }
  cnf?: { jkt?: string }
}

/** RFC 7519, section 3. The signature is not verified: only the server relies on the claims. */
function claimsOf(text: string): Claims {
  try {
    return JSON.parse(decoded(text.split('.')[1] ?? '')) as Claims
  } catch {
    return {}
  }
}

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** Decodes ASCII from base64url. Some versions of React Native have no `atob`. */
function decoded(text: string): string {
  let bits = 0
  let count = 0
  let plain = ''
  for (const digit of text) {
    bits = (bits << 6) | DIGITS.indexOf(digit)
    count += 6
    if (count < 8) continue
    count -= 8
    plain += String.fromCharCode((bits >> count) & 255)
  }
  return plain
}
