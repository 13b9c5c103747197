import { randomBytes } from 'node:crypto'
import { Secret, TOTP } from 'otpauth'

/** RFC 4226, section 4: 160 bits are recommended. */
const SECRET_BYTES = 20
/** RFC 6238, section 5.2: one step of clock drift and typing time in either direction. */
const WINDOW_STEPS = 1

/** The parameters of an authenticator app's codes. */
export type TotpParameters = {
  algorithm: 'SHA1' | 'SHA256' | 'SHA512'
  digits: 6 | 8
  periodSeconds: number
}

/** What every authenticator app supports. Imported secrets keep their own parameters. */
export const DEFAULT_TOTP: TotpParameters = { algorithm: 'SHA1', digits: 6, periodSeconds: 30 }

export function newTotpSecret(): Buffer {
  return randomBytes(SECRET_BYTES)
}

/** The secret as a person types it into an app: base32 without padding. */
export function totpSecretText(secret: Uint8Array): string {
  return secretOf(secret).base32
}

/** The `otpauth:` URI that an authenticator app scans (Key Uri Format). */
export function totpUri(
  secret: Uint8Array,
  parameters: TotpParameters,
  { issuer, label }: { issuer: string; label: string },
): string {
  return totpOf(secret, parameters, { issuer, label }).toString()
}

/**
 * The time step that `code` belongs to, or undefined if it is no code of this secret around `now`. The caller stores
 * the step and refuses any that is not later (RFC 6238, section 5.2: a code is valid once).
 */
export function totpStep(
  secret: Uint8Array,
  parameters: TotpParameters,
  code: string,
  now: Date,
): number | undefined {
  // Apps show codes in groups, and people type them that way.
  const token = code.replace(/[\s-]/g, '')
  if (!new RegExp(`^\\d{${parameters.digits}}$`).test(token)) return undefined
  const timestamp = now.getTime()
  const delta = totpOf(secret, parameters).validate({ token, timestamp, window: WINDOW_STEPS })
  if (delta === null) return undefined
  return Math.floor(timestamp / 1000 / parameters.periodSeconds) + delta
}

function totpOf(
  secret: Uint8Array,
  { algorithm, digits, periodSeconds }: TotpParameters,
  { issuer = '', label = '' } = {},
): TOTP {
  return new TOTP({ secret: secretOf(secret), algorithm, digits, period: periodSeconds, issuer, label })
}

function secretOf(bytes: Uint8Array): Secret {
  // A copy: `buffer` of a Buffer is a pool that others share.
  return new Secret({ buffer: new Uint8Array(bytes).buffer })
}
