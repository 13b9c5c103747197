import { z } from 'zod'
import type { App } from '../app.ts'
import type { RequestInfo, ResponseEffects } from '../context.ts'
import { authorizationUrl } from '../credentials/provider/authorize.ts'
import { findProvider, type ProviderSettings, redirectUriOf } from '../credentials/provider/provider.ts'
import { gatherFor, SIGN_INS_MAX } from '../end-of-turn.ts'
import { badInput } from '../errors.ts'
import { checkInput } from '../input.ts'
import { networkOf } from '../network/address.ts'
import { countProviderOutcome } from '../provider-outcomes.ts'
import { countTogether } from '../rate-limit/count-together.ts'
import { TokenTransport } from '../sessions/token-transport.ts'
import { beginFlow } from './begin-flow.ts'
import { type FlowPurpose, labelOfState } from './provider-flow.ts'
import { requireReturnAddress } from './return-address.ts'

const HINT_MAX_LENGTH = 320
/** Those who start within a few turns are counted in one statement, as many as it takes. */
const gathered = gatherFor(4, SIGN_INS_MAX)

const schema = z.object({
  provider: z.string(),
  returnTo: z.string(),
  codeChallenge: z
    .string()
    .regex(/^[\w-]{43}$/, 'Use the base64url SHA-256 of the verifier (RFC 7636, method S256).'),
  loginHint: z
    .string()
    .max(HINT_MAX_LENGTH, `Use at most ${HINT_MAX_LENGTH} characters.`)
    .regex(/^\P{C}*$/u, 'Remove control characters and line breaks.')
    .nullish(),
  tokenTransport: z.enum(TokenTransport).nullish(),
})

export type StartedFlow = { url: string; expiresAt: Date }

/** Who begins the flow, and what it is for. */
export type FlowStarter = {
  purpose: FlowPurpose
  /** The account and the session, for a link or a reauthentication. */
  viewer?: { userId: string; sessionId: string }
  /** login: the provider asks the person again. */
  prompt?: 'login' | 'select_account'
}

/**
 * Begins a flow at a provider. What the server needs of it is sealed in its state or stored, and the verifier is at the
 * client, so the flow goes on at any replica and in any browser that the client opens. With COOKIE, the browser that began
 * it must also be the one that comes back. Each flow has a cookie of its own, so that several tabs can sign in at the same
 * time.
 * @throws AuthError BAD_USER_INPUT, RATE_LIMITED; PROVIDER_FAILED while the provider cannot be reached
 */
export async function startProvider(
  app: App,
  input: unknown,
  { purpose, viewer, prompt }: FlowStarter,
  { request, response }: { request: RequestInfo; response: ResponseEffects },
): Promise<StartedFlow> {
  const wanted = checkInput(schema, input)
  const { codeChallenge, loginHint } = wanted
  const provider = requireProvider(app, wanted.provider)
  const returnTo = requireReturnAddress(app, wanted.returnTo)
  await gathered()
  await countTogether(app, { rule: 'provider.network', subject: networkOf(request.ipAddress) }, request)
  const isBound = wanted.tokenTransport === TokenTransport.COOKIE
  const flow = beginFlow(app, { purpose, provider: provider.id, viewer, codeChallenge, returnTo, isBound })
  const { secrets, expiresAt } = flow
  const { state, nonce, verifier } = secrets
  const redirectUri = redirectUriOf(app, provider)
  const authorization = { state, nonce, verifier, redirectUri, loginHint, prompt }
  const url = await authorizationUrl(app, provider, authorization)
  await flow.store()
  if (secrets.boundTo !== undefined) {
    const crossSite = provider.type === 'apple'
    response.setFlowCookie({ label: labelOfState(secrets.state), secret: secrets.boundTo, crossSite })
  }
  countProviderOutcome(app, provider.id, 'started')
  return { url: url.href, expiresAt }
}

/**
 * The provider with this ID.
 * @throws AuthError BAD_USER_INPUT
 */
export function requireProvider(app: App, id: string): ProviderSettings {
  const provider = findProvider(app, id)
  if (provider) return provider
  throw badInput({ 'input.provider': ['This server doesn’t offer this provider.'] })
}
