import { v7 as uuidv7 } from 'uuid'
import { z } from 'zod'
import type { App } from '../app.ts'
import type { RequestInfo } from '../context.ts'
import { checkInput } from '../input.ts'
import type { SigningClient } from './login.ts'
import { loginWithProvider, type ProviderSignInOutcome, sessionOptions } from './login-with-provider.ts'
import { idTokenFields, proveIdToken } from './prove-id-token.ts'

const schema = z.object({ ...idTokenFields, ...sessionOptions })

/**
 * Signs in with an ID token that an app received from a provider's own sign-in on the device. What it leads to is
 * decided as for a sign-in in the browser.
 * @throws AuthError BAD_USER_INPUT; INVALID_CREDENTIALS if the token proves nothing; TOKEN_INVALID if its nonce is used or
 *   expired; PROVIDER_FAILED, ACCOUNT_DISABLED, EMAIL_NOT_VERIFIED, REGISTRATION_CLOSED, RATE_LIMITED
 */
export async function signInWithIdToken(
  app: App,
  input: unknown,
  request: RequestInfo,
  client: SigningClient,
): Promise<ProviderSignInOutcome> {
  const { deviceName, rememberMe, ...proof } = checkInput(schema, input)
  const profile = await proveIdToken(app, proof, request)
  const session = { sessionId: uuidv7(), deviceName, remember: rememberMe ?? true }
  return loginWithProvider(app, { ...client, ...session, profile, claims: [] }, request)
}
