import { AuthError } from './errors.ts'
import { StepUp } from './factor-operations.ts'
import type { Parts } from './parts.ts'
import type { AuthMethod, ProofInput, StepUpChallenge, User } from './types.ts'

/** Proves the identity again and uses the new tokens. The method that client.ts loads on demand and documents. */
export async function stepUp(
  { session, requests, tokenTransport }: Parts,
  proofs: readonly ProofInput[],
): Promise<User> {
  const { stepUp } = await session.replaceTokens(
    token => requests.withToken(StepUp, { input: { proofs: [...proofs], tokenTransport } }, token),
    data => data.stepUp,
  )
  return stepUp.user
}

/** The challenge in an error; undefined if the error is another one. */
export function challengeIn(error: unknown): StepUpChallenge | undefined {
  if (!(error instanceof AuthError)) return undefined
  if (error.code === 'REAUTHENTICATION_REQUIRED')
    return { acr: undefined, maxAgeSeconds: undefined, accepts: [['PASSWORD']] }
  if (error.code !== 'STEP_UP_REQUIRED') return undefined
  const { acr, maxAgeSeconds, accepts } = error.extensions
  return {
    acr: typeof acr === 'string' ? acr : undefined,
    maxAgeSeconds: typeof maxAgeSeconds === 'number' ? maxAgeSeconds : undefined,
    accepts: Array.isArray(accepts) ? (accepts as AuthMethod[][]) : [],
  }
}

/** The challenge in a response's `WWW-Authenticate` header (RFC 9470, section 3). */
export function challengeOf(response: Response): StepUpChallenge | undefined {
  const header = response.headers.get('www-authenticate') ?? ''
  if (response.status !== 401 || !/\berror="?insufficient_user_authentication\b/.test(header))
    return undefined
  const parameter = (name: string) => new RegExp(`\\b${name}="?([^",]+)`).exec(header)?.[1]
  const maxAge = Number(parameter('max_age') ?? Number.NaN)
  return {
    acr: parameter('acr_values')?.split(' ')[0],
    maxAgeSeconds: Number.isNaN(maxAge) ? undefined : maxAge,
    accepts: [],
  }
}
