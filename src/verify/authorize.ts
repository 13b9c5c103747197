import { forbidden, stepUpRequired, unauthenticated } from './errors.ts'
import type { Identity, Verifier } from './verifier.ts'

/** A request of Node, Express, Fastify or the Fetch API. */
export type RequestLike = {
  readonly headers:
    | { readonly authorization?: string | undefined }
    | { get(name: string): string | null | undefined }
  readonly method?: string | undefined
  readonly url?: string | undefined
  /** In Express and Fastify, the address before a router has changed it. */
  readonly originalUrl?: string | undefined
}

/**
 * Verifies the access token of a request, and requires one of the permissions if there are any.
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
 * Verifies the access token of a request, and the proof if the token is bound to a key.
 * @throws AuthError UNAUTHENTICATED, SERVICE_UNAVAILABLE
 */
export async function identify(verifier: Verifier, request: RequestLike): Promise<Identity> {
  const { headers, method = '', originalUrl, url = '' } = request
  const field = (name: string) =>
    ('get' in headers && typeof headers.get === 'function'
      ? headers.get(name)
      : (headers as Record<string, string | undefined>)[name]) ?? undefined
  const header = field('authorization')
  if (header === undefined) throw unauthenticated('MISSING')
  // RFC 6750, section 2.1, and RFC 9449, section 7.1. The scheme is case-insensitive (RFC 9110, section 11.1).
  const [, scheme, token = ''] = /^(Bearer|DPoP) +(\S+) *$/i.exec(header) ?? []
  const isDpop = scheme?.toLowerCase() === 'dpop'
  return verifier.verify(
    token,
    isDpop ? { proof: field('dpop'), method, url: originalUrl ?? url } : undefined,
  )
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
