import { authenticateApiKey } from '../api-keys/authenticate-api-key.ts'
import { isApiKey } from '../api-keys/key.ts'
import type { Authenticate } from '../context.ts'
import { authenticate as authenticateSession } from '../sessions/authenticate.ts'

/** The viewer whose access token or API key this is. @throws as the function for its kind */
export const authenticate: Authenticate = (app, bearerToken, request) =>
  isApiKey(bearerToken)
    ? authenticateApiKey(app, bearerToken, request)
    : authenticateSession(app, bearerToken, request)
