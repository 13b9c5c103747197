import type { App } from '../app.ts'
import type { RequestInfo } from '../context.ts'
import { exchangeCode } from '../credentials/provider/exchange.ts'
import { findProvider, redirectUriOf } from '../credentials/provider/provider.ts'
import { AuthError, type ErrorCode } from '../errors.ts'
import { refuseProvider } from './refused-provider.ts'
import { withParameters } from './return-address.ts'
import { answerFlow, consumeFlow, isBoundTo, type ReturnedFlow } from './returned-flow.ts'

export type ProviderCallback = {
  /** The provider in the callback's path. */
  provider: string
  /** The query of a GET, or the form of a POST. */
  parameters: URLSearchParams
  /** The cookie of the browser, if it began a sign-in. */
  flowCookie: string | undefined
}

/** Where the browser goes on. `to` is undefined if the flow is unknown, and so its address as well. */
export type Return = { to: string } | { to: undefined; code: ErrorCode }

/**
 * Receives a browser from a provider: uses up the state, exchanges the provider's code for what it says about the person,
 * and sends the browser back with a code of this server. Whatever fails, nothing starts, and the audit log has one event.
 * Each provider has its own path, so that one provider's code cannot be used at another (RFC 9700, section 4.4).
 */
export async function receiveCallback(
  app: App,
  callback: ProviderCallback,
  request: RequestInfo,
): Promise<Return> {
  const state = onlyValue(callback.parameters, 'state')
  const returned = state === undefined ? undefined : await consumeFlow(app, state)
  const known = findProvider(app, callback.provider)?.id
  const about = { provider: known, subjectId: returned?.flow.userId ?? undefined }
  if (!returned) {
    const { code } = await refuseProvider(app, about, unknownState(), request)
    return { to: undefined, code }
  }
  try {
    const code = await exchange(app, callback, returned)
    return { to: withParameters(returned.returnTo, { provider_code: code }) }
  } catch (error) {
    if (!(error instanceof AuthError)) throw error
    const { code } = await refuseProvider(app, about, error, request)
    return { to: withParameters(returned.returnTo, { provider_error: code }) }
  }
}

async function exchange(
  app: App,
  { provider: id, parameters, flowCookie }: ProviderCallback,
  { flow, secrets }: ReturnedFlow,
): Promise<string> {
  const provider = findProvider(app, id)
  if (!provider || flow.provider !== id) throw refused('another provider’s callback')
  if (!isBoundTo(flow, flowCookie)) throw refused('another browser')
  const redirectUri = redirectUriOf(app, provider)
  const { state, nonce, verifier } = secrets
  const profile = await exchangeCode(app, provider, parameters, { state, nonce, verifier, redirectUri })
  return answerFlow(app, flow, profile)
}

function unknownState(): AuthError {
  return refused('unknown, expired or used state')
}

function refused(cause: string): AuthError {
  return new AuthError('TOKEN_INVALID', { cause })
}

/** A parameter must not be repeated (RFC 6749, section 3.1). */
function onlyValue(parameters: URLSearchParams, name: string): string | undefined {
  const [value, ...more] = parameters.getAll(name)
  return more.length === 0 ? value : undefined
}
