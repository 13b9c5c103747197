/**
 * An access token and the life that was left of it when it came. The server's own times are of no use here:
 * the clock of a phone or a laptop may be wrong by days.
 */
export type AccessToken = {
  readonly text: string
  readonly sessionId: string
  readonly receivedAt: Instant
  readonly lifeMs: number
  /** It is exchanged before it is used where no more than this is left, so that it does not expire on the way. */
  readonly marginMs: number
}

/** By two clocks: one stands still while the device sleeps, and somebody may set the other. */
type Instant = { readonly steadyMs: number; readonly wallMs: number }

const MARGIN_MS = 10_000

function now(): Instant {
  return { steadyMs: globalThis.performance?.now() ?? 0, wallMs: Date.now() }
}

/**
 * A token that is good for `leftMs` from now on: for its whole life where the server has just sent it. One
 * that cannot be read is good until the server says otherwise.
 */
export function received(text: string, sessionId: string, leftMs?: number): AccessToken {
  const { iat, exp } = claimsOf(text)
  const wholeMs = iat === undefined || exp === undefined ? Number.POSITIVE_INFINITY : (exp - iat) * 1000
  return {
    text,
    sessionId,
    receivedAt: now(),
    lifeMs: Math.min(leftMs ?? wholeMs, wholeMs),
    // A tenth of a short life, or it would never be fresh.
    marginMs: Math.min(MARGIN_MS, wholeMs / 10),
  }
}

/** How long the token is still good, by the clock that says that more time has passed. Not above 0: no more. */
export function leftMs({ receivedAt, lifeMs }: AccessToken): number {
  const { steadyMs, wallMs } = now()
  return lifeMs - Math.max(steadyMs - receivedAt.steadyMs, wallMs - receivedAt.wallMs)
}

/** Whether the token will still be good when it arrives. */
export function isFresh(token: AccessToken): boolean {
  return leftMs(token) > token.marginMs
}

/** The session that a token belongs to; undefined where the token cannot be read. */
export function sessionOf(text: string): string | undefined {
  return claimsOf(text).sid
}

type Claims = { sid?: string; iat?: number; exp?: number }

/** RFC 7519, section 3. Nothing is verified: that is the server's part. */
function claimsOf(text: string): Claims {
  try {
    return JSON.parse(decoded(text.split('.')[1] ?? '')) as Claims
  } catch {
    return {}
  }
}

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** Base64url of ASCII, by hand: not every React Native has `atob`. */
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
