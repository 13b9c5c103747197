import { z } from 'zod'
import { findUserById } from '../accounts/account.ts'
import { emailOriginOf, securityNotice } from '../accounts/security-notice.ts'
import type { App } from '../app.ts'
import type { RequestInfo } from '../context.ts'
import { countFactor, forgiveFactor, recordWrongFactor } from '../credentials/factor-attempts.ts'
import { proveOwnPasskey } from '../credentials/passkey/prove.ts'
import type { AuthMethod, Proof } from '../credentials/proof.ts'
import { type ProofInput, proofField } from '../credentials/proof-input.ts'
import { checkRecoveryCode } from '../credentials/recovery-code-proof.ts'
import { checkTotp, codeUsed } from '../credentials/totp-proof.ts'
import { AuthError, badInput } from '../errors.ts'
import type { User } from '../generated/prisma/client.ts'
import { checkInput } from '../input.ts'
import { finishSignIn, type SignIn, type Started } from './finish-sign-in.ts'
import { openSignIn, ticketInvalid } from './sign-in-ticket.ts'

const schema = z.object({ ticket: z.string(), proof: proofField })

/**
 * Completes a sign-in with a second factor. Only a success uses up the ticket. The ticket ends with every change of
 * what may sign in to the account, and when the account is disabled.
 * @throws AuthError BAD_USER_INPUT, TICKET_INVALID, CODE_INVALID, PASSKEY_INVALID, RATE_LIMITED, SERVICE_UNAVAILABLE
 */
export async function completeLogin(app: App, input: unknown, request: RequestInfo): Promise<Started> {
  const { ticket, proof } = checkInput(schema, input)
  const pending = openSignIn(app, 'secondFactor', ticket)
  const account = await findUserById(app, pending.accountId)
  if (!account || account.credentialVersion !== pending.credentialVersion || account.disabledAt)
    throw ticketInvalid('the account has changed')
  await countFactor(app, account.id, pending.device, request)
  const proved = await proveFactor(app, account, ticket, proof, request)
  const outcome = await finishSignIn(
    app,
    {
      ...pending,
      ...proved,
      account,
      proofs: [...pending.proofs, proved.proof],
      claims: [pending.claim],
      change: 'proved',
    },
    request,
  )
  if (outcome?.step !== 'started') throw ticketInvalid('the account has changed')
  await forgiveFactor(app, account.id, pending.device)
  return outcome
}

type ProvedFactor = { proof: Proof } & Pick<SignIn, 'events' | 'notice'>

/**
 * Verifies a second factor of the account.
 * @throws AuthError CODE_INVALID, PASSKEY_INVALID, TICKET_INVALID; BAD_USER_INPUT for a proof that is no second factor
 */
async function proveFactor(
  app: App,
  account: User,
  ticket: string,
  { totpCode, recoveryCode, passkey }: ProofInput,
  request: RequestInfo,
): Promise<ProvedFactor> {
  if (passkey != null) {
    if (passkey.ticket !== ticket) throw ticketInvalid('the passkey answers another ceremony')
    return { proof: await proveOwnPasskey(app, account.id, passkey, request) }
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
