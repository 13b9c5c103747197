import { authenticateApiKey } from '../api-keys/authenticate-api-key.ts'
import { isApiKey } from '../api-keys/key.ts'
import type { App } from '../app.ts'
import type { Authenticate, RequestInfo, Viewer } from '../context.ts'
import { requireProofOf } from '../dpop/prove-key.ts'
import { isOfService, verifyAccessToken } from '../keys/access-token.ts'
import { authenticateService } from '../oauth/authenticate-service.ts'
import { authenticateSession } from '../sessions/authenticate.ts'

/**
 * The viewer whose access token or API key this is. A token that is bound to a key counts only with a proof of the key.
 * @throws AuthError as the function for its kind
 */
export const authenticate: Authenticate = (app, bearerToken, request) =>
  identify(app, bearerToken, request, requireProofOf)

/** The same without the proof, for a service that asks about a token that someone else presented to it. */
export const authenticateUnproved: Authenticate = (app, bearerToken, request) =>
  identify(app, bearerToken, request)

async function identify(
  app: App,
  bearerToken: string,
  request: RequestInfo,
  requireProof?: typeof requireProofOf,
): Promise<Viewer> {
  if (isApiKey(bearerToken)) {
    requireProof?.(app, bearerToken, undefined, request)
    return authenticateApiKey(app, bearerToken, request)
  }
  const claims = verifyAccessToken(app, bearerToken)
  requireProof?.(app, bearerToken, isOfService(claims) ? undefined : claims.cnf?.jkt, request)
  return isOfService(claims) ? authenticateService(app, claims) : authenticateSession(app, claims, request)
}
