import type { Context } from '../context.ts'
import type { AuthPayload } from '../sessions/sessions.types.ts'
import { deliverSignIn } from './deliver-sign-in.ts'
import type { ProviderSignInOutcome } from './login-with-provider.ts'
import { ProviderLinkRequired, ProviderSignUpRequired } from './provider.types.ts'
import type { SecondFactorRequired, SecondFactorSetupRequired } from './sign-in.types.ts'

export type DeliveredProviderSignIn =
  | AuthPayload
  | SecondFactorRequired
  | SecondFactorSetupRequired
  | ProviderSignUpRequired
  | ProviderLinkRequired

/** Hands the outcome of a sign-in with a provider to the client. */
export async function deliverProviderSignIn(
  context: Context,
  outcome: ProviderSignInOutcome,
): Promise<DeliveredProviderSignIn> {
  if (!('provider' in outcome)) return deliverSignIn(context, outcome)
  const { step, ...shown } = outcome
  return Object.assign(step === 'link' ? new ProviderLinkRequired() : new ProviderSignUpRequired(), shown)
}
