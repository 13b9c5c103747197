/**
 * An access token and its end on the clock of `now()`. The server's own times are of no use here: the clock
 * of a phone or a laptop may be wrong by days.
 */
export type AccessToken = {
  readonly text: string
  readonly sessionId: string
  readonly expiresAtMs: number
  /** From when on it is exchanged before it is used, so that it does not expire on the way. */
  readonly renewAtMs: number
}

const MARGIN_MS = 10_000

/** Milliseconds on a clock that nobody sets, where there is one. */
export function now(): number {
  return globalThis.performance?.now() ?? Date.now()
}

/**
 * A token that is good for `leftMs` from now on: for its whole life where the server has just sent it. One
 * that cannot be read is good until the server says otherwise.
 */
export function received(text: string, sessionId: string, leftMs?: number): AccessToken {
  const { iat, exp } = claimsOf(text)
  const lifeMs = iat === undefined || exp === undefined ? Number.POSITIVE_INFINITY : (exp - iat) * 1000
  const expiresAtMs = now() + Math.min(leftMs ?? lifeMs, lifeMs)
  // A tenth of a short life, or it would never be fresh.
  return { text, sessionId, expiresAtMs, renewAtMs: expiresAtMs - Math.min(MARGIN_MS, lifeMs / 10) }
}

/** The session that a token belongs to; undefined where the token cannot be read. */
export function sessionOf(text: string): string | undefined {
  return claimsOf(text).sid
}

type Claims = { sid?: string; iat?: number; exp?: number }

/** RFC 7519, section 3. Nothing is verified: that is the server's part. */
function claimsOf(text: string): Claims {
  try {
    const part = text.split('.')[1] ?? ''
    return JSON.parse(atob(part.replaceAll('-', '+').replaceAll('_', '/'))) as Claims
  } catch {
    return {}
  }
}
