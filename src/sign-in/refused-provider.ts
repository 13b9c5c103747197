import type { App } from '../app.ts'
import { record } from '../audit/record.ts'
import type { RequestInfo } from '../context.ts'
import { AuthError, type ErrorCode } from '../errors.ts'
import { networkOf } from '../network/address.ts'
import { countProviderOutcome } from '../provider-outcomes.ts'
import { countAttempt } from '../rate-limit/limit.ts'

/** What was refused. */
export type RefusedProvider = {
  /** The provider's ID in the settings, if the request names one of them. */
  provider: string | undefined
  /** The account that is concerned, if it is known. */
  subjectId: string | undefined
}

/**
 * Records that what came from a provider was refused, and why. Too many refusals from one network are not recorded:
 * then the code is RATE_LIMITED. Returns the error for the client.
 */
export async function refuseProvider(
  app: App,
  { provider, subjectId }: RefusedProvider,
  error: AuthError,
  request: RequestInfo,
): Promise<AuthError> {
  if (provider !== undefined) countProviderOutcome(app, provider, outcomeOf(error))
  try {
    await countAttempt(app, [{ rule: 'provider.network', subject: networkOf(request.ipAddress) }], request)
  } catch (limit) {
    if (limit instanceof AuthError) return limit
    throw limit
  }
  const because = checkOf(error)
  await record(app.db, request, {
    action: 'session.denied',
    at: app.clock.now(),
    subjectId,
    detail: { ...(provider !== undefined && { provider }), code: error.code, because },
  })
  if (error.code === 'PROVIDER_FAILED')
    app.log.warn({ requestId: request.requestId, provider, because }, 'a sign-in with a provider failed')
  return error
}

function outcomeOf({ code }: { code: ErrorCode }): 'denied' | 'failed' | 'refused' {
  if (code === 'PROVIDER_DENIED') return 'denied'
  return code === 'PROVIDER_FAILED' ? 'failed' : 'refused'
}

/** Which check failed. A cause of the protocol names it without secrets: see credentials/provider/failure.ts. */
function checkOf({ cause, code }: AuthError): string {
  if (typeof cause === 'string') return cause
  const { check, code: detail } = (cause ?? {}) as { check?: unknown; code?: unknown }
  if (typeof check !== 'string') return code
  return typeof detail === 'string' ? `${check} (${detail})` : check
}
