import { z } from 'zod'
import type { App } from '../app.ts'
import type { RequestInfo } from '../context.ts'
import { challengeOf } from '../credentials/provider/authorize.ts'
import { newId } from '../database/new-id.ts'
import { newDevice } from '../devices/device.ts'
import { gatherFor, SIGN_INS_MAX } from '../end-of-turn.ts'
import { AuthError } from '../errors.ts'
import { checkInput } from '../input.ts'
import { countInvalidTokens } from '../one-time-tokens/token.ts'
import { findSession } from '../sessions/find-session.ts'
import type { SignInOutcome } from './finish-sign-in.ts'
import { keepNextStep, keptNextStep } from './kept-next-step.ts'
import { takeOutcome } from './known-outcome.ts'
import type { SigningClient } from './login.ts'
import {
  loginWithProvider,
  type ProviderSignInOutcome,
  sessionOptions,
  startKnown,
} from './login-with-provider.ts'
import {
  completedFlow,
  flowEnded,
  handOverFlow,
  isRepeatable,
  type RedeemedFlow,
  redeemCode,
} from './provider-flow.ts'

/** Sessions that start within a few turns share a statement, as many as it takes. */
const gathered = gatherFor(4, SIGN_INS_MAX)

const schema = z.object({ code: z.string(), codeVerifier: z.string(), ...sessionOptions })

/**
 * Completes a sign-in with a provider: with the code that the callback handed to the browser, and the verifier that only
 * the client which began it has. The code starts one session. If the answer was lost, the same code and verifier get it
 * again within a minute: the same session, as long as it has not been refreshed, or the same ticket for the next step.
 * @throws AuthError BAD_USER_INPUT, TOKEN_INVALID, ACCOUNT_DISABLED, EMAIL_NOT_VERIFIED, REGISTRATION_CLOSED, RATE_LIMITED
 */
export async function completeProviderSignIn(
  app: App,
  input: unknown,
  request: RequestInfo,
  client: SigningClient,
): Promise<ProviderSignInOutcome> {
  const { code, codeVerifier, deviceName, rememberMe } = checkInput(schema, input)
  await gathered()
  const sessionId = newId()
  const known = takeOutcome(app, code)
  if (known && known.codeChallenge === challengeOf(codeVerifier)) {
    const { flowId, profile } = known
    const { presented, transport } = client
    const remember = rememberMe ?? true
    const signIn = { flowId, profile, sessionId, presented, transport, remember, deviceName }
    const started = await startKnown(app, signIn, request)
    if (started) return started
  }
  const redeem = () => redeemCode(app, 'sign-in', { code, codeVerifier })
  const flow = await countInvalidTokens(app, request, redeem)
  if (!flow.profile) return repeat(app, flow, client)
  if (flow.completedAt && !isRepeatable(app, flow)) throw flowEnded('completed before')
  try {
    const outcome = await loginWithProvider(
      app,
      {
        ...client,
        profile: flow.profile,
        claims: [completedFlow(app, flow, sessionId)],
        // What did not start in one statement is decided step by step.
        flowId: known ? undefined : flow.id,
        keepNextStep: (connection, next) => keepNextStep(app, connection, flow, next),
        sessionId,
        deviceName,
        remember: rememberMe ?? true,
      },
      request,
    )
    if ('provider' in outcome) await handOverFlow(app, flow)
    return outcome
  } catch (error) {
    // A parallel request of the same client may have completed it.
    if (!(error instanceof AuthError) || error.code !== 'TOKEN_INVALID') throw error
    return repeat(app, await redeem(), client)
  }
}

/**
 * The next step or the session that the flow has led to, for a client that did not receive the answer.
 * @throws AuthError TOKEN_INVALID
 */
async function repeat(
  app: App,
  flow: RedeemedFlow,
  { presented, transport }: SigningClient,
): Promise<SignInOutcome> {
  const next = keptNextStep(app, flow)
  if (next) return next
  const started =
    flow.sessionId && isRepeatable(app, flow) ? await findSession(app, flow.sessionId) : undefined
  const { generation, revokedAt } = started?.session ?? {}
  if (!started || generation !== 0 || revokedAt || started.account.disabledAt)
    throw flowEnded('completed before')
  return { step: 'started', started, device: presented ?? newDevice(app), transport }
}
