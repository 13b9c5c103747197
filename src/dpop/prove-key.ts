import type { App } from '../app.ts'
import type { ProvenKey, RequestInfo } from '../context.ts'
import { AuthError, type ErrorCode, unauthenticated } from '../errors.ts'
import { accessTokenHash, type ProofFault, verifyProof } from './proof.ts'

const MESSAGES: Record<ProofFault, string> = {
  DPOP_NONCE: 'The proof of your app’s key has no recent nonce. Try again.',
  DPOP_INVALID: 'The proof of your app’s key is missing or invalid. Sign in again.',
}

/** The error of a request whose proof is refused. */
export function proofRefused(code: ErrorCode, reason: ProofFault, cause?: string): AuthError {
  return new AuthError(code, { message: MESSAGES[reason], extensions: { reason }, cause })
}

/** Whether a client only has to send the request again, with the nonce of the response. */
export function wantsNonce(error: unknown): boolean {
  return error instanceof AuthError && error.extensions.reason === 'DPOP_NONCE'
}

/**
 * The key that the request proves to hold; undefined if it has no proof. Verifies the proof once for each request and keeps
 * the key in `request.provenKey`, from where a session that starts takes it.
 * @throws AuthError of `code` with the reason DPOP_NONCE or DPOP_INVALID
 */
export function proveKey(app: App, request: RequestInfo, code: ErrorCode): ProvenKey | undefined {
  if (!request.presentedProof || app.config.dpop === 'off') return undefined
  if (request.provenKey) return request.provenKey
  const proven = verifyProof(app, request.presentedProof)
  if (typeof proven === 'string') throw proofRefused(code, proven)
  request.provenKey = proven
  return proven
}

/**
 * Requires the proof of the key that an access token is bound to (RFC 9449, section 7), or that nothing claims to be bound.
 * `thumbprint` is the token's `cnf.jkt`.
 * @throws AuthError UNAUTHENTICATED with the reason DPOP_NONCE or DPOP_INVALID
 */
export function requireProofOf(
  app: App,
  token: string,
  thumbprint: string | undefined,
  request: RequestInfo,
): void {
  if (thumbprint === undefined && !request.isDpopScheme) return
  if (app.config.dpop === 'off') return
  // A bearer token has no key, and a token with a key is no bearer token.
  if (thumbprint === undefined) throw unauthenticated('INVALID')
  const proven = request.isDpopScheme ? proveKey(app, request, 'UNAUTHENTICATED') : undefined
  if (proven?.thumbprint !== thumbprint || proven.accessTokenHash !== accessTokenHash(token))
    throw proofRefused('UNAUTHENTICATED', 'DPOP_INVALID')
}
