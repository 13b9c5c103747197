import type { App } from '../app.ts'
import type { Context } from '../context.ts'
import { authenticationOptions } from '../credentials/passkey/ceremony.ts'
import { toDescriptor, usablePasskeysOf } from '../credentials/passkey/stored.ts'
import { issueTokens } from '../sessions/issue.ts'
import type { AuthPayload } from '../sessions/sessions.types.ts'
import { deliverTokens } from '../sessions/token-transport.ts'
import type { Continued, SignInOutcome, Started } from './finish-sign-in.ts'
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
    passkeyOptions: await passkeyOptionsOf(context.app, outcome),
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

/** The options to complete the sign-in with a passkey or a security key; null if the account has neither. */
async function passkeyOptionsOf(app: App, { ticket, methods, accountId }: Continued): Promise<object | null> {
  if (!methods.includes('PASSKEY') && !methods.includes('SECURITY_KEY')) return null
  const passkeys = await usablePasskeysOf(app, accountId)
  const allow = passkeys.map(toDescriptor)
  // The first proof was the password or the mailbox, so the touch of a key is enough.
  return authenticationOptions(app.config.passkeys, ticket, { allow, userVerification: 'discouraged' })
}
