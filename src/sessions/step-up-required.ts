import type { App } from '../app.ts'
import { type FactorRow, factorColumns } from '../credentials/demand.ts'
import type { AuthMethod } from '../credentials/proof.ts'
import { statement } from '../database/client.ts'
import { AuthError } from '../errors.ts'
import { usableDomain } from '../ways-in.ts'
import { ACR, type AuthStrength } from './strength.ts'

/** What an account can prove itself with. */
export type Means = {
  /** What can be proved first, the usual one first. An account without a password can prove its mailbox. */
  firsts: readonly ('PASSWORD' | 'PROVIDER' | 'EMAIL')[]
  hasTotp: boolean
  /** Whether codes of the authenticator app are refused after too many wrong ones. */
  suspended: boolean
  /** Passkeys and security keys that can be used on this server: none with PASSKEYS=off. */
  hasPasskey: boolean
  hasKey: boolean
  hasRecovery: boolean
}

const selectMeans = statement<[hasPassword: boolean, hasIdentity: boolean, ...FactorRow]>(
  'means-of-proof',
  `SELECT u.password_hash IS NOT NULL,
     EXISTS (SELECT FROM identities i WHERE i.user_id = u.id AND i.provider = ANY($3::text[])), ${factorColumns('$2')} FROM users u WHERE u.id = $1`,
)

/** What the account can prove itself with. An account that was deleted in the meantime has nothing but a password. */
export async function meansOf(app: App, userId: string): Promise<Means> {
  const providers = app.config.providers.map(({ id }) => id)
  const [row = [true, false] as const] = await selectMeans(app.pool, [userId, usableDomain(app), providers])
  const [hasPassword, hasIdentity, ...factors] = row
  const [hasTotp = false, suspended = false, hasPasskey = false, hasKey = false, hasRecovery = false] =
    factors
  const firsts = [
    ...(hasPassword ? (['PASSWORD'] as const) : []),
    ...(hasIdentity ? (['PROVIDER'] as const) : []),
    ...(hasPassword || (hasIdentity && !app.mailer) ? [] : (['EMAIL'] as const)),
  ]
  return { firsts, hasTotp, suspended, hasPasskey, hasKey, hasRecovery }
}

/** Whether the account has a usable factor besides its first proof. Suspending one does not remove it. */
export function hasFactor({ hasTotp, hasPasskey, hasKey }: Means): boolean {
  return hasTotp || hasPasskey || hasKey
}

/** What `stepUp` accepts to reach the strength: each list is one way, the strongest first. */
export function waysTo(strength: AuthStrength, means: Means): AuthMethod[][] {
  const { firsts, hasTotp, suspended, hasPasskey, hasKey, hasRecovery } = means
  const eachWith = (factor: AuthMethod) => firsts.map((first): AuthMethod[] => [first, factor])
  const resistant: AuthMethod[][] = [
    ...(hasPasskey ? [['PASSKEY'] as AuthMethod[]] : []),
    ...(hasKey ? eachWith('SECURITY_KEY') : []),
  ]
  if (strength === 'PHISHING_RESISTANT') return resistant
  if (strength === 'SINGLE') {
    return [...(hasPasskey ? [['PASSKEY'] as AuthMethod[]] : []), ...firsts.map(first => [first])]
  }
  return [
    ...resistant,
    ...(hasTotp && !suspended ? eachWith('TOTP') : []),
    ...(hasRecovery ? eachWith('RECOVERY_CODE') : []),
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
