import type { Context } from '../context.ts'
import { issueTokens } from '../sessions/issue.ts'
import type { AuthPayload } from '../sessions/sessions.types.ts'
import { deliverTokens } from '../sessions/token-transport.ts'
import type { SignInOutcome, Started } from './finish-sign-in.ts'
import { SecondFactorRequired, SecondFactorSetupRequired } from './sign-in.types.ts'

/** Hands the outcome of a sign-in to the client. Before the last step it gets a ticket, and no token and no cookie. */
export async function deliverSignIn(
  context: Context,
  outcome: SignInOutcome,
): Promise<AuthPayload | SecondFactorRequired | SecondFactorSetupRequired> {
  if (outcome.step === 'started') return deliverStarted(context, outcome)
  const { ticket, expiresAt, methods } = outcome
  if (outcome.step === 'setup')
    return Object.assign(new SecondFactorSetupRequired(), { ticket, expiresAt, methods })
  const { canTrustDevice } = outcome
  return Object.assign(new SecondFactorRequired(), {
    ticket,
    expiresAt,
    methods,
    passkeyOptions: null,
    canTrustDevice,
  })
}

/** Hands the tokens of a session that has started to the client. */
export async function deliverStarted(
  context: Context,
  { started, device, transport }: Started,
): Promise<AuthPayload> {
  return deliverTokens(context, await issueTokens(context.app, started), transport, device)
}
