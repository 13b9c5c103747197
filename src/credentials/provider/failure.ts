import { AuthError } from '../../errors.ts'

/** Which check of a provider's response failed. The log and the audit event show it; the client does not see it. */
export type FailedCheck =
  | 'discovery'
  | 'timeout'
  | 'response too large'
  | 'redirect'
  | 'insecure address'
  | 'unreachable'
  | 'state'
  | 'issuer of the response'
  | 'authorization response'
  | 'token endpoint'
  | 'missing ID token'
  | 'algorithm'
  | 'signature'
  | 'claim iss'
  | 'claim aud'
  | 'claim azp'
  | 'claim nonce'
  | 'claim exp'
  | 'claim iat'
  | 'claim auth_time'
  | 'claim sub'
  | 'tenant'
  | 'user info'
  | 'provider API'
  | 'malformed token'
  | 'logout token'

/** A response of a provider that was refused. Has no secret and no personal data. */
export class ProviderFailure extends Error {
  readonly provider: string
  readonly check: FailedCheck
  /** The code that the provider or the library gave, such as `invalid_grant`. */
  readonly code: string | undefined

  constructor(provider: string, check: FailedCheck, code?: string) {
    super(`${provider}: ${check}${code ? ` (${code})` : ''}`)
    this.name = 'ProviderFailure'
    this.provider = provider
    this.check = check
    this.code = code
  }
}

/** A fetch that this server ended or refused. */
export class FetchFailure extends Error {
  readonly check: FailedCheck

  constructor(check: FailedCheck) {
    super(check)
    this.name = 'FetchFailure'
    this.check = check
  }
}

const UNREACHABLE: readonly FailedCheck[] = [
  'discovery',
  'timeout',
  'response too large',
  'redirect',
  'insecure address',
  'unreachable',
]

/** Whether the provider could not be asked, so that nothing is known about the token in hand. */
export function isUnreachable(error: AuthError): boolean {
  const failure = failureOf(error)
  return failure !== undefined && UNREACHABLE.includes(failure.check)
}

/** Which check failed, for the log and the audit event. Undefined if the error is not about a provider. */
export function failureOf(error: unknown): ProviderFailure | undefined {
  const cause = error instanceof AuthError ? error.cause : undefined
  return cause instanceof ProviderFailure ? cause : undefined
}

/** The error for clients. Its cause names the check that failed. */
export function providerFailed(provider: string, check: FailedCheck, code?: string): AuthError {
  return new AuthError('PROVIDER_FAILED', { cause: new ProviderFailure(provider, check, code) })
}

/** The codes of the errors of openid-client for an error in the provider's response. */
const AUTHORIZATION_ERROR = 'OAUTH_AUTHORIZATION_RESPONSE_ERROR'
const TOKEN_ERROR = 'OAUTH_RESPONSE_BODY_ERROR'

/** Error codes by which providers say that the person or a policy of the provider refused. */
const DENIALS = new Set([
  'access_denied',
  'user_cancelled_authorize',
  'user_cancelled_login',
  'consent_required',
  'interaction_required',
  'login_required',
  'account_selection_required',
])

/**
 * The error for clients for anything that a library threw while it talked to a provider. The libraries' errors hold
 * tokens and claims in their causes, so only their codes are kept.
 */
export function toProviderError(provider: string, error: unknown): AuthError {
  if (error instanceof AuthError) return error
  if (codeOf(error) === AUTHORIZATION_ERROR) {
    const code = saidCode(error)?.toLowerCase()
    const denied = code !== undefined && DENIALS.has(code)
    return new AuthError(denied ? 'PROVIDER_DENIED' : 'PROVIDER_FAILED', {
      cause: new ProviderFailure(provider, 'authorization response', code),
    })
  }
  const fetchFailure = causesOf(error).find(cause => cause instanceof FetchFailure)
  if (fetchFailure) return providerFailed(provider, fetchFailure.check)
  if (codeOf(error) === TOKEN_ERROR) {
    return providerFailed(provider, 'token endpoint', saidCode(error))
  }
  return providerFailed(provider, checkOf(error), codeOf(error))
}

/** An error code as RFC 6749 allows it, cut: it is the provider's text. */
function plainCode(code: unknown): string | undefined {
  return typeof code === 'string' && /^[\x21-\x7e]{1,60}$/.test(code) ? code : undefined
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code
  return plainCode(code)
}

/** The error code in the provider's response. */
function saidCode(error: unknown): string | undefined {
  return plainCode((error as { error?: unknown } | null)?.error)
}

/** An error and its causes, outermost first. */
function causesOf(error: unknown): unknown[] {
  const causes: unknown[] = []
  for (let next = error; next instanceof Error && causes.length < 8; next = next.cause) causes.push(next)
  return causes
}

const CLAIM_CHECKS: Record<string, FailedCheck> = {
  iss: 'claim iss',
  aud: 'claim aud',
  azp: 'claim azp',
  nonce: 'claim nonce',
  exp: 'claim exp',
  nbf: 'claim iat',
  iat: 'claim iat',
  auth_time: 'claim auth_time',
  sub: 'claim sub',
}

const MESSAGES: [pattern: RegExp, check: FailedCheck][] = [
  [/"alg"|unsupported JWS algorithm|"alg" \(Algorithm\)/i, 'algorithm'],
  [/"iss" \(issuer\) (missing|response parameter)|response parameter "iss"/, 'issuer of the response'],
  [/"state"/, 'state'],
  [/"id_token" property/, 'missing ID token'],
  [/Invalid Compact JWS/, 'malformed token'],
  [/JWT "(\w+)"|"(\w+)" claim|Invalid JWT|JWT (?:Header|Payload)/, 'malformed token'],
  [/signature|verification key|applicable key|JWKS|jwks/i, 'signature'],
  [/user ?info/i, 'user info'],
  [/issuer does not match/, 'discovery'],
]

/** Names the check from the code, the claim and the message that the libraries give. */
function checkOf(error: unknown): FailedCheck {
  const causes = causesOf(error)
  for (const cause of causes) {
    const claim = claimOf(cause)
    if (claim && CLAIM_CHECKS[claim]) return CLAIM_CHECKS[claim]
  }
  if (causes.some(cause => /timed? ?out|aborted/i.test((cause as Error).message))) return 'timeout'
  for (const [pattern, check] of MESSAGES) {
    const match = causes.map(cause => pattern.exec((cause as Error).message)).find(Boolean)
    if (match) return CLAIM_CHECKS[match[1] ?? match[2] ?? ''] ?? check
  }
  return causes.some(cause => cause instanceof TypeError) ? 'unreachable' : 'token endpoint'
}

function claimOf(error: unknown): string | undefined {
  const { claim, cause } = error as { claim?: unknown; cause?: unknown }
  if (typeof claim === 'string') return claim
  const inner = typeof cause === 'object' && cause !== null ? (cause as { claim?: unknown }).claim : undefined
  return typeof inner === 'string' ? inner : undefined
}
