import type { App } from '../app.ts'
import { type FactorRow, factorColumns } from '../credentials/demand.ts'
import type { AuthMethod } from '../credentials/proof.ts'
import { statement } from '../database/client.ts'
import { AuthError } from '../errors.ts'
import { usableDomain } from '../ways-in.ts'
import { ACR, type AuthStrength } from './strength.ts'

/** What an account can prove itself with. */
export type Means = {
  /** The first proof: an account without a password proves its mailbox. */
  first: 'PASSWORD' | 'EMAIL'
  hasTotp: boolean
  /** Whether codes of the authenticator app are refused after too many wrong ones. */
  suspended: boolean
  /** Passkeys and security keys that can be used on this server: none with PASSKEYS=off. */
  hasPasskey: boolean
  hasKey: boolean
  hasRecovery: boolean
}

const selectMeans = statement<[hasPassword: boolean, ...FactorRow]>(
  'means-of-proof',
  `SELECT u.password_hash IS NOT NULL, ${factorColumns('$2')} FROM users u WHERE u.id = $1`,
)

/** What the account can prove itself with. An account that was deleted in the meantime has nothing but a password. */
export async function meansOf(app: App, userId: string): Promise<Means> {
  const [row] = await selectMeans(app.pool, [userId, usableDomain(app)])
  const [hasPassword = true, hasTotp = false, suspended = false, hasPasskey = false, ...rest] = row ?? []
  const [hasKey = false, hasRecovery = false] = rest
  const first = hasPassword ? 'PASSWORD' : 'EMAIL'
  return { first, hasTotp, suspended, hasPasskey, hasKey, hasRecovery }
}

/** Whether the account has a usable factor besides its first proof. Suspending one does not remove it. */
export function hasFactor({ hasTotp, hasPasskey, hasKey }: Means): boolean {
  return hasTotp || hasPasskey || hasKey
}

/** What `stepUp` accepts to reach the strength: each list is one way, the strongest first. */
export function waysTo(strength: AuthStrength, means: Means): AuthMethod[][] {
  const { first, hasTotp, suspended, hasPasskey, hasKey, hasRecovery } = means
  const resistant: AuthMethod[][] = [
    ...(hasPasskey ? [['PASSKEY'] as AuthMethod[]] : []),
    ...(hasKey ? [[first, 'SECURITY_KEY'] as AuthMethod[]] : []),
  ]
  if (strength === 'PHISHING_RESISTANT') return resistant
  if (strength === 'SINGLE') return [...(hasPasskey ? [['PASSKEY'] as AuthMethod[]] : []), [first]]
  return [
    ...resistant,
    ...(hasTotp && !suspended ? [[first, 'TOTP'] as AuthMethod[]] : []),
    ...(hasRecovery ? [[first, 'RECOVERY_CODE'] as AuthMethod[]] : []),
  ]
}

export type Requirement = {
  strength: AuthStrength
  /** Undefined if it does not matter how long ago the proofs were made. */
  maxAgeSeconds?: number | undefined
}

/** The challenge of RFC 9470, section 3: what the session lacks, and the ways to prove it with `stepUp`. */
export function stepUpRequired({ strength, maxAgeSeconds }: Requirement, means: Means): AuthError {
  const accepts = waysTo(strength, means)
  return new AuthError('STEP_UP_REQUIRED', {
    ...(accepts.length === 0 && { message: NO_WAY }),
    extensions: { acr: ACR[strength], maxAgeSeconds: maxAgeSeconds ?? null, accepts },
  })
}

const NO_WAY = 'This requires a second factor. Add a passkey or an authenticator app to your account first.'
