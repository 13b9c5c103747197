import { authenticateApiKey } from '../api-keys/authenticate-api-key.ts'
import { isApiKey } from '../api-keys/key.ts'
import type { Authenticate } from '../context.ts'
import { isOfService, verifyAccessToken } from '../keys/access-token.ts'
import { authenticateService } from '../oauth/authenticate-service.ts'
import { authenticateSession } from '../sessions/authenticate.ts'

/**
 * The viewer whose access token or API key this is.
 * @throws AuthError as the function for its kind
 */
export const authenticate: Authenticate = async (app, bearerToken, request) => {
  if (isApiKey(bearerToken)) return authenticateApiKey(app, bearerToken, request)
  const claims = verifyAccessToken(app, bearerToken)
  return isOfService(claims) ? authenticateService(app, claims) : authenticateSession(app, claims, request)
}
