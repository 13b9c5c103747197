import { forbidden, stepUpRequired, unauthenticated } from './errors.ts'
import type { Identity, Verifier } from './verifier.ts'

/** A request of Node, Express, Fastify or the Fetch API. */
export type RequestLike = {
  readonly headers:
    | { readonly authorization?: string | undefined }
    | { get(name: string): string | null | undefined }
}

/**
 * Verifies the bearer token of a request, and requires one of the permissions if there are any.
 * @throws AuthError UNAUTHENTICATED, FORBIDDEN, SERVICE_UNAVAILABLE
 */
export async function authorize(
  verifier: Verifier,
  request: RequestLike,
  ...permissions: readonly string[]
): Promise<Identity> {
  const identity = await identify(verifier, request)
  if (permissions.length > 0) requirePermission(identity, permissions)
  return identity
}

/**
 * Verifies the bearer token of a request.
 * @throws AuthError UNAUTHENTICATED, SERVICE_UNAVAILABLE
 */
export async function identify(verifier: Verifier, { headers }: RequestLike): Promise<Identity> {
  const header =
    'get' in headers && typeof headers.get === 'function'
      ? headers.get('authorization')
      : (headers as { authorization?: string }).authorization
  if (header === undefined || header === null) throw unauthenticated('MISSING')
  // RFC 6750, section 2.1. The scheme is case-insensitive (RFC 9110, section 11.1).
  return verifier.verify(/^Bearer +(\S+) *$/i.exec(header)?.[1] ?? '')
}

/**
 * Requires at least one of the permissions.
 * @throws AuthError FORBIDDEN
 */
export function requirePermission({ permissions, claims }: Identity, anyOf: readonly string[]): void {
  if (anyOf.some(name => permissions.includes(name))) return
  throw forbidden(claims.permissions === undefined ? NO_PERMISSIONS : undefined)
}

const NO_PERMISSIONS =
  'The access token has no permissions. Set TOKEN_CLAIMS=permissions on the Authograph server.'

/** The values of `acr`, the weakest first. */
const ACR = ['1fa', 'mfa', 'phr']
const ACR_OF = { SINGLE: '1fa', MULTI: 'mfa', PHISHING_RESISTANT: 'phr' } as const

export type StepUpOptions = {
  /** How strongly the session must be authenticated. */
  strength: 'SINGLE' | 'MULTI' | 'PHISHING_RESISTANT'
  /** How long ago the proofs may have been made. Default: 600. */
  maxAgeSeconds?: number
  /** The time in milliseconds. For tests. */
  now?: () => number
}

/**
 * Requires a strong and recent sign-in (RFC 9470). Clients answer the error with `stepUp` at the Authograph server.
 * @throws AuthError STEP_UP_REQUIRED
 */
export function requireStepUp(
  { claims }: Identity,
  { strength, maxAgeSeconds = 600, now = Date.now }: StepUpOptions,
): void {
  const acr = ACR_OF[strength]
  const strongEnough = ACR.indexOf(String(claims.acr)) >= ACR.indexOf(acr)
  const ageSeconds = now() / 1000 - Number(claims.auth_time)
  if (strongEnough && ageSeconds <= maxAgeSeconds) return
  throw stepUpRequired(acr, maxAgeSeconds)
}
