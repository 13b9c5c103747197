const messages = {
  UNAUTHENTICATED: 'Sign in to do this.',
  FORBIDDEN: 'You don’t have permission to do this. Ask an administrator for access.',
  STEP_UP_REQUIRED: 'Confirm that it’s you to continue.',
  SERVICE_UNAVAILABLE: 'The server is busy. Try again in a moment.',
} as const

/** The codes that Authograph uses for the same failures. */
export type ErrorCode = keyof typeof messages

const statuses: Record<ErrorCode, number> = {
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  STEP_UP_REQUIRED: 401,
  SERVICE_UNAVAILABLE: 503,
}

/** Why a request has no user. Without liveness, a token whose session was revoked is valid here until it expires. */
export type UnauthenticatedReason = 'MISSING' | 'INVALID' | 'EXPIRED' | 'REVOKED' | 'DPOP_INVALID'

export type ErrorDetails = {
  message?: string
  /** Additional `extensions` for the client. */
  extensions?: Readonly<Record<string, unknown>>
  /** The response headers that the error comes with, in lowercase. */
  headers?: Readonly<Record<string, string>>
  /** For your log only. */
  cause?: unknown
}

/**
 * A request that is refused, with the code and the extensions that Authograph itself would answer with, so that clients
 * need one way to handle both servers. Its message and extensions are safe to show; its cause is not.
 */
export class AuthError extends Error {
  override readonly name = 'AuthError'
  readonly code: ErrorCode
  /** The HTTP status of the answer, outside GraphQL. */
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** What GraphQL servers show to clients. */
  readonly extensions: Readonly<{ code: ErrorCode; [fact: string]: unknown }>

  constructor(code: ErrorCode, { message, extensions, headers, cause }: ErrorDetails = {}) {
    super(message ?? messages[code], { cause })
    this.code = code
    this.status = statuses[code]
    this.headers = headers ?? {}
    this.extensions = { code, ...extensions }
  }

  /** The body of the answer, in the form of a GraphQL response. */
  get body(): { errors: { message: string; extensions: AuthError['extensions'] }[] } {
    return { errors: [{ message: this.message, extensions: this.extensions }] }
  }
}

const DESCRIPTIONS: Record<Exclude<UnauthenticatedReason, 'MISSING'>, string> = {
  INVALID: 'The access token is invalid',
  EXPIRED: 'The access token has expired',
  REVOKED: 'The access token was revoked',
  DPOP_INVALID: 'The proof of the key is missing or invalid',
}

/** The answer to a request without a valid token. RFC 6750, section 3: no error code if the request has no token. */
export function unauthenticated(reason: UnauthenticatedReason, cause?: unknown): AuthError {
  // RFC 9449, section 7.1.
  const [scheme, error] =
    reason === 'DPOP_INVALID' ? ['DPoP algs="ES256",', 'invalid_dpop_proof'] : ['Bearer', 'invalid_token']
  const challenge =
    reason === 'MISSING' ? scheme : `${scheme} error="${error}", error_description="${DESCRIPTIONS[reason]}"`
  return new AuthError('UNAUTHENTICATED', {
    extensions: { reason },
    headers: { 'www-authenticate': challenge },
    cause,
  })
}

/** RFC 6750, section 3.1. */
export function forbidden(message?: string): AuthError {
  return new AuthError('FORBIDDEN', {
    ...(message !== undefined && { message }),
    headers: {
      'www-authenticate':
        'Bearer error="insufficient_scope", error_description="The required permission is missing"',
    },
  })
}

/** The keys to verify tokens with are out of reach. */
export function unavailable(retryAfterSeconds: number, cause: unknown): AuthError {
  return new AuthError('SERVICE_UNAVAILABLE', {
    extensions: { retryAfter: retryAfterSeconds },
    headers: { 'retry-after': String(retryAfterSeconds) },
    cause,
  })
}

/** RFC 9470, section 3. */
export function stepUpRequired(acr: string, maxAgeSeconds: number): AuthError {
  return new AuthError('STEP_UP_REQUIRED', {
    extensions: { acr, maxAgeSeconds },
    headers: { 'www-authenticate': stepUpChallenge(acr, maxAgeSeconds) },
  })
}

export function stepUpChallenge(acr: string, maxAgeSeconds: number): string {
  return `Bearer error="insufficient_user_authentication", error_description="A stronger or more recent sign-in is required", acr_values="${acr}", max_age="${maxAgeSeconds}"`
}
