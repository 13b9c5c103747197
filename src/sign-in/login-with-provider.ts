import { z } from 'zod'
import { deviceNameField } from '../accounts/fields.ts'
import type { App } from '../app.ts'
import type { RequestInfo } from '../context.ts'
import { recordDenial } from '../credentials/password/prove.ts'
import type { Claim } from '../credentials/proof.ts'
import type { ProviderProfile } from '../credentials/provider/provider.ts'
import { newDevice } from '../devices/device.ts'
import { AuthError } from '../errors.ts'
import type { Identity, User } from '../generated/prisma/client.ts'
import { countProviderOutcome } from '../provider-outcomes.ts'
import { finishSignIn, type SignIn, type SignInOutcome } from './finish-sign-in.ts'
import { identify } from './identified-account.ts'
import { type IdentityStep, sealIdentity } from './identity-ticket.ts'
import { linkToVerified } from './link-to-verified.ts'
import type { SigningClient } from './login.ts'
import { requireMaySignIn } from './may-sign-in.ts'
import { flowEnded } from './provider-flow.ts'
import { registerWithProvider } from './register-with-provider.ts'
import type { SealedTicket } from './sign-in-ticket.ts'
import { startWithProvider } from './start-with-provider.ts'
import { takeOver } from './take-over.ts'
import { usedIdentity } from './used-identity.ts'

/** A person whom a provider has proved, but whose identity has no account yet. */
export type UnconnectedIdentity = SealedTicket & {
  step: IdentityStep
  provider: string
  email: string | null
  displayName: string | null
}

export type ProviderSignInOutcome = SignInOutcome | UnconnectedIdentity

/** The input that every sign-in with a provider has. */
export const sessionOptions = { deviceName: deviceNameField.nullish(), rememberMe: z.boolean().nullish() }

export type ProviderSignIn = SigningClient &
  Pick<SignIn, 'keepNextStep'> & {
    profile: ProviderProfile
    deviceName: string | null | undefined
    remember: boolean
    /** The ID of the session that starts, if it does. */
    sessionId: string
    /** What the sign-in uses up, such as its flow. */
    claims: readonly Claim[]
    /** The flow in `claims`, if that is all of them. */
    flowId?: string | undefined
  }

/** What a session needs that starts in one statement. */
export type KnownProviderSignIn = Omit<ProviderSignIn, 'claims' | 'keepNextStep'>

/** Two for the account's change and the sign-in after it, and one after a lost race. */
const ATTEMPTS = 4

/**
 * Signs in the person that a provider has proved: the account that has the identity, or the one that the rules of
 * `decideIdentity` find or create. A provider is a single factor, so an account that demands a second one gets the next
 * step. Whatever the decision changes is committed before the session starts; if the sign-in ends there, the next one
 * finds the identity known.
 * @throws AuthError ACCOUNT_DISABLED, EMAIL_NOT_VERIFIED, REGISTRATION_CLOSED; TOKEN_INVALID if the account changed
 *   meanwhile; that of the first claim that another request has made
 */
export async function loginWithProvider(
  app: App,
  signIn: ProviderSignIn,
  request: RequestInfo,
): Promise<ProviderSignInOutcome> {
  const { profile } = signIn
  const known = await startKnown(app, signIn, request)
  if (known) return known
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const { decision, identity, account, address } = await identify(app, profile)
    if (decision === 'sign-in') {
      const outcome = await start(app, signIn, identity, account, request)
      if (outcome) return outcome
      continue
    }
    if (account?.disabledAt) {
      await recordDenial(app, account.id, request)
      throw new AuthError('ACCOUNT_DISABLED')
    }
    // Each of these makes the identity known, unless another request did so first. The next round tells.
    if (decision === 'create' && address) await registerWithProvider(app, profile, address, request)
    else if (decision === 'link' && account) await linkToVerified(app, account, profile, request)
    else if (decision === 'take-over' && account) await takeOver(app, account, profile, request)
    else return unconnected(app, decision === 'ask-to-link' ? 'link' : 'sign-up', profile, account)
  }
  throw flowEnded('the account kept changing')
}

/** The session of someone who has signed in with this identity and from this device before. Undefined if it did not start. */
export async function startKnown(
  app: App,
  { profile, flowId, sessionId, presented: device, transport, remember, deviceName }: KnownProviderSignIn,
  request: RequestInfo,
): Promise<SignInOutcome | undefined> {
  if (flowId === undefined || !device) return undefined
  const signIn = { profile, flowId, sessionId, device, remember, deviceName }
  const started = await startWithProvider(app, signIn, request)
  if (!started) return undefined
  countProviderOutcome(app, profile.provider, 'signed_in')
  return { step: 'started', started, device, transport }
}

/** Returns undefined if the account changed in the meantime. */
async function start(
  app: App,
  { profile, claims, presented, remember, flowId: _, ...options }: ProviderSignIn,
  identity: Identity,
  account: User,
  request: RequestInfo,
): Promise<SignInOutcome | undefined> {
  await requireMaySignIn(app, account, request)
  const at = app.clock.now()
  const outcome = await finishSignIn(
    app,
    {
      ...options,
      account,
      proofs: [{ method: 'PROVIDER', at }],
      claims: [...claims, usedIdentity(app, identity, profile)],
      device: presented ?? newDevice(app),
      remember,
      identity: { id: identity.id, provider: profile.provider, sid: profile.sid },
    },
    request,
  )
  if (outcome)
    countProviderOutcome(app, profile.provider, outcome.step === 'started' ? 'signed_in' : 'next_step')
  return outcome
}

function unconnected(
  app: App,
  step: IdentityStep,
  profile: ProviderProfile,
  account: User | undefined,
): UnconnectedIdentity {
  if (step === 'sign-up' && !app.config.registrationOpen) throw new AuthError('REGISTRATION_CLOSED')
  countProviderOutcome(app, profile.provider, step === 'link' ? 'link_required' : 'sign_up_required')
  const { provider, email, displayName } = profile
  const sealed = sealIdentity(app, step, profile, account?.id ?? null)
  return { ...sealed, step, provider, email, displayName }
}
