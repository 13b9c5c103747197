import type { App } from '../app.ts'
import { seal, unseal } from '../crypto/seal.ts'
import { statement } from '../database/client.ts'
import { AuthError } from '../errors.ts'
import { FAILURES_MAX } from './demand.ts'
import type { Claim, Proof } from './proof.ts'
import { type TotpParameters, totpStep } from './totp.ts'

/** A secret with the parameters of its codes. */
export type TotpSecret = { secret: Buffer; parameters: TotpParameters }

const select = statement<
  [
    sealed: string,
    algorithm: string,
    digits: number,
    periodSeconds: number,
    lastStep: string,
    suspended: boolean,
  ]
>(
  'totp-of',
  `SELECT t.sealed_secret, t.algorithm, t.digits, t.period_seconds, t.last_step::text,
     u.factor_failures >= ${FAILURES_MAX}
   FROM totp t JOIN users u ON u.id = t.user_id WHERE t.user_id = $1`,
)

/** The result of checking a code: a proof, or why there is none. Only a wrong code counts as a failure. */
export type CodeCheck = { proof: Proof } | { refused: 'wrong' | 'used' | 'suspended' | 'none' }

/**
 * Checks a code of the account's authenticator app. The proof's claim moves the last step forward, so that each code,
 * and every earlier one, is valid once (RFC 6238, section 5.2).
 */
export async function checkTotp(app: App, accountId: string, code: string): Promise<CodeCheck> {
  const [row] = await select(app.pool, [accountId])
  if (!row) return { refused: 'none' }
  const [sealed, algorithm, digits, periodSeconds, lastStep, suspended] = row
  if (suspended) return { refused: 'suspended' }
  const parameters = { algorithm, digits, periodSeconds } as TotpParameters
  const now = app.clock.now()
  const step = totpStep(openTotpSecret(app, accountId, sealed), parameters, code, now)
  if (step === undefined) return { refused: 'wrong' }
  if (step <= Number(lastStep)) return { refused: 'used' }
  return { proof: { accountId, method: 'TOTP', at: now, claim: laterStep(accountId, step) } }
}

function laterStep(accountId: string, step: number): Claim {
  return {
    name: 'totp',
    sql: first =>
      `UPDATE totp SET last_step = $${first + 1} FROM account
       WHERE user_id = $${first}::uuid AND last_step < $${first + 1} RETURNING user_id`,
    values: [accountId, step],
    lost: codeUsed,
  }
}

/** Seals the secret of an account under a server key, so that replacing AUTHOGRAPH_SECRET changes no row. */
export function sealTotpSecret(app: App, accountId: string, secret: Buffer): string {
  return seal(secret, purposeOf(accountId), keyOf(app))
}

/** The secret that `sealTotpSecret` sealed. */
export function openTotpSecret(app: App, accountId: string, sealed: string): Buffer {
  return unseal(sealed, purposeOf(accountId), { current: keyOf(app), previous: [] }).plain
}

function purposeOf(accountId: string): string {
  return `totp ${accountId}`
}

function keyOf({ keys }: App) {
  return { id: 'factor', key: keys.factor }
}

/** The code is correct but was used before. */
export function codeUsed(): AuthError {
  return new AuthError('CODE_INVALID', { message: 'This code was already used. Wait for the next one.' })
}
