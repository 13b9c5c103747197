import { emailOriginOf, securityNotice } from '../accounts/security-notice.ts'
import type { App } from '../app.ts'
import type { RequestInfo } from '../context.ts'
import { recordWrongFactor } from '../credentials/factor-attempts.ts'
import { proveOwnPasskey } from '../credentials/passkey/prove.ts'
import type { AuthMethod, Claim, Proof } from '../credentials/proof.ts'
import type { ProofInput } from '../credentials/proof-input.ts'
import { checkRecoveryCode } from '../credentials/recovery-code-proof.ts'
import { checkTotp, codeUsed } from '../credentials/totp-proof.ts'
import { AuthError, badInput } from '../errors.ts'
import type { User } from '../generated/prisma/client.ts'
import type { SignIn } from './finish-sign-in.ts'

/** A second factor that was verified, and what is recorded and sent when it counts. */
export type ProvedFactor = { proof: Proof } & Pick<SignIn, 'claims' | 'events' | 'notice'>

/**
 * Verifies a second factor of the account. `openCeremony` checks the ticket that a passkey answers, and returns what else
 * its use claims.
 * @throws AuthError CODE_INVALID, PASSKEY_INVALID, and the errors of `openCeremony`; BAD_USER_INPUT for a proof that is
 *   no second factor
 */
export async function proveFactor(
  app: App,
  account: User,
  { totpCode, recoveryCode, passkey }: ProofInput,
  request: RequestInfo,
  openCeremony: (ticket: string) => readonly Claim[],
): Promise<ProvedFactor> {
  if (passkey != null) {
    const claims = openCeremony(passkey.ticket)
    return { proof: await proveOwnPasskey(app, account.id, passkey, request), claims }
  }
  if (totpCode != null) {
    const checked = await checkTotp(app, account.id, totpCode)
    if ('proof' in checked) return checked
    if (checked.refused === 'used') throw codeUsed()
    if (checked.refused === 'suspended') throw new AuthError('CODE_INVALID', { message: SUSPENDED })
    return refuse(app, account, 'TOTP', request)
  }
  if (recoveryCode != null) {
    const checked = await checkRecoveryCode(app, account.id, recoveryCode)
    if (!('proof' in checked)) return refuse(app, account, 'RECOVERY_CODE', request)
    const { proof, left } = checked
    const origin = { ...emailOriginOf(app, request), left }
    return {
      proof,
      events: [{ action: 'recovery_code.used', detail: { left } }],
      notice: securityNotice(app, account, 'recovery-code-used', origin),
    }
  }
  throw badInput({ 'input.proof': ['Use one of the methods that the sign-in lists.'] })
}

const SUSPENDED =
  'There were too many wrong codes, so codes of the authenticator app are refused. Use another method, or set a new password with “Forgot password”.'

async function refuse(app: App, account: User, method: AuthMethod, request: RequestInfo): Promise<never> {
  await recordWrongFactor(app, account, method, request)
  throw new AuthError('CODE_INVALID')
}
