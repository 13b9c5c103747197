import { z } from 'zod'
import { displayNameField } from '../accounts/fields.ts'
import type { App } from '../app.ts'
import type { RequestInfo } from '../context.ts'
import { verifyIdToken } from '../credentials/provider/id-token.ts'
import type { ProviderProfile } from '../credentials/provider/provider.ts'
import { AuthError } from '../errors.ts'
import { refuseProvider } from './refused-provider.ts'
import { requireProvider } from './start-provider.ts'

/** The input by which an app proves a person with a provider's ID token. */
export const idTokenFields = {
  provider: z.string(),
  idToken: z.string(),
  nonce: z.string().nullish(),
  authorizationCode: z.string().max(2048, 'Use at most 2048 characters.').nullish(),
  displayName: displayNameField.nullish(),
}

export type IdTokenProof = z.output<z.ZodObject<typeof idTokenFields>>

/**
 * The person whom an ID token proves. A refusal is on record, and counts for its network. `subjectId` is the account
 * that is signed in, if one is.
 * @throws AuthError BAD_USER_INPUT, INVALID_CREDENTIALS, TOKEN_INVALID, PROVIDER_FAILED, RATE_LIMITED
 */
export async function proveIdToken(
  app: App,
  { provider: id, ...proof }: IdTokenProof,
  request: RequestInfo,
  subjectId?: string,
): Promise<ProviderProfile> {
  const provider = requireProvider(app, id)
  try {
    return await verifyIdToken(app, provider, proof)
  } catch (error) {
    if (!(error instanceof AuthError)) throw error
    throw await refuseProvider(app, { provider: id, subjectId }, error, request)
  }
}
