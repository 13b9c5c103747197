/**
 * The table of error codes. Clients receive the code and the message; only the log receives the cause.
 *
 * `description` documents the code in the schema. `message` is the default text for clients and says what to do next;
 * code that throws the error can replace it with a more specific one.
 */
export const errorTable = {
  UNAUTHENTICATED: {
    description:
      'The request has no valid session. `extensions.reason` is MISSING, INVALID, EXPIRED or REVOKED. On EXPIRED or INVALID, refresh; otherwise, sign in again. With DPOP=full, DPOP_NONCE asks for a proof with the nonce of the response, and DPOP_INVALID refuses the proof.',
    message: 'Sign in to do this.',
  },
  FORBIDDEN: {
    description:
      'The caller is signed in but doesn’t have the required permission. `extensions.reason` is SESSION_NOT_BOUND if this server requires a session that is bound to a key: see REQUIRE_BOUND_SESSIONS.',
    message: 'You don’t have permission to do this. Ask an administrator for access.',
  },
  BAD_USER_INPUT: {
    description:
      'The request or its input is invalid. `extensions.fields` maps each input path to its messages. `extensions.reason` is DPOP_NONCE or DPOP_INVALID if a sign-in has a proof of a key that is refused; nothing was tried.',
    message: 'Some of the input is invalid. See the fields for what to change.',
  },
  INVALID_CREDENTIALS: {
    description:
      'The password is wrong, or the account doesn’t exist. Neither the message nor the response time reveals which.',
    message: 'Wrong email, username or password. Check your entries and try again.',
  },
  REFRESH_TOKEN_INVALID: {
    description:
      'The refresh token is unknown, expired or revoked, or it shows that two holders use the session. With `extensions.reason`, the session continues: DPOP_NONCE asks for a proof with the nonce of the response, and DPOP_INVALID says that the proof of the session’s key is missing or invalid.',
    message: 'Your session has ended. Sign in again.',
  },
  EMAIL_TAKEN: {
    description: 'Another account has this email address. `extensions.field` names the input.',
    message: 'This email address already has an account. Sign in, or use another address.',
  },
  USERNAME_TAKEN: {
    description: 'Another account has this username. `extensions.field` names the input.',
    message: 'This username is taken. Choose another.',
  },
  TOKEN_INVALID: {
    description:
      'The token from an email link, or the code, nonce or ticket of a sign-in with a provider, is unknown, expired, already used or replaced by a newer one.',
    message: 'This link is no longer valid. Request a new one.',
  },
  CODE_INVALID: {
    description:
      'The code is wrong, expired or already used, or too many wrong codes were entered. Ask for a new one if it came by email.',
    message: 'This code is wrong or no longer valid. Check it, or use a new one.',
  },
  TICKET_INVALID: {
    description:
      'The ticket of an earlier step is unknown, expired or already used, or the account has changed since. Start over.',
    message: 'This took too long, or the account has changed in the meantime. Start over.',
  },
  PASSKEY_INVALID: {
    description:
      'The passkey proves nothing. `extensions.reason` is UNKNOWN if no account has it, so that the browser can forget it; otherwise REFUSED.',
    message: 'This passkey was not accepted. Try again, or sign in another way.',
  },
  PROVIDER_DENIED: {
    description: 'The person or the provider refused the sign-in with the provider.',
    message: 'The sign-in with the provider was canceled. Try again, or sign in another way.',
  },
  PROVIDER_FAILED: {
    description:
      'The provider is unavailable, or its response is invalid. The log and the audit event name the cause.',
    message: 'The sign-in with the provider failed. Try again, or sign in another way.',
  },
  IDENTITY_TAKEN: {
    description: 'The identity at the provider is already connected to another account.',
    message:
      'This identity is already connected to another account. Sign in with it, or use another identity.',
  },
  ACCOUNT_DISABLED: {
    description:
      'The account is disabled. Returned only after the caller proves the password or access to the mailbox.',
    message: 'This account is disabled. Contact an administrator.',
  },
  EMAIL_NOT_VERIFIED: {
    description:
      'The email address must be verified first. Returned only after the caller proves the password.',
    message: 'Verify your email address first: open the link in the email we sent you.',
  },
  REAUTHENTICATION_REQUIRED: {
    description:
      'The operation requires a sign-in within the last 10 minutes. Call `reauthenticate` with the password, then try again.',
    message: 'Enter your password again to continue.',
  },
  STEP_UP_REQUIRED: {
    description:
      'The session is too weak or its proofs are too old (RFC 9470). `extensions` has the required `acr`, `maxAgeSeconds` (null if the age doesn’t matter) and `accepts`, the combinations of `AuthMethod` that `stepUp` accepts. If `accepts` is empty, add a second factor first. If the access token is from before the latest step-up, refresh it first.',
    message: 'Confirm that it’s you to continue.',
  },
  REGISTRATION_CLOSED: {
    description: 'Registration is closed on this server.',
    message: 'Registration is closed on this server. Ask an administrator for an account.',
  },
  SIGN_UP_REFUSED: {
    description: 'The operator of this server refused the sign-up.',
    message: 'This sign-up isn’t allowed. Contact the operator of this service.',
  },
  NOT_FOUND: {
    description: 'The object doesn’t exist, or the caller may not see it.',
    message: 'This object doesn’t exist.',
  },
  CONFLICT: {
    description: 'The change would break a rule, such as keeping at least one administrator.',
    message: 'This change isn’t allowed in the current state.',
  },
  RATE_LIMITED: {
    description: 'Too many attempts. Try again after `extensions.retryAfter` seconds.',
    message: 'Too many attempts. Try again later.',
  },
  QUERY_TOO_COMPLEX: {
    description: 'The query is too deep, too long or too expensive, or has too many sensitive mutations.',
    message: 'The query is too large. Split it into several requests.',
  },
  SERVICE_UNAVAILABLE: {
    description:
      'The server is overloaded or can’t reach its database. Try again after `extensions.retryAfter` seconds.',
    message: 'The server is busy. Try again in a moment.',
  },
  INTERNAL_SERVER_ERROR: {
    description: 'Something failed on the server. Use `extensions.requestId` to find the error in the log.',
    message: 'Something went wrong on the server. Try again. If the problem persists, report the request ID.',
  },
} as const satisfies Record<string, { description: string; message: string }>

export type ErrorCode = keyof typeof errorTable

export type ErrorDetails = {
  /** Replaces the table's message. */
  message?: string
  /** Additional `extensions` for the client. Never put secrets or internals here. */
  extensions?: Record<string, unknown>
  /** For the log only. */
  cause?: unknown
}

/** An expected failure. Its code, message and extensions reach the client; its cause does not. */
export class AuthError extends Error {
  readonly code: ErrorCode
  readonly extensions: Record<string, unknown>

  constructor(code: ErrorCode, details: ErrorDetails = {}) {
    super(details.message ?? errorTable[code].message, { cause: details.cause })
    this.name = 'AuthError'
    this.code = code
    this.extensions = details.extensions ?? {}
  }
}

/** Why a request has no viewer. */
export type UnauthenticatedReason = 'MISSING' | 'INVALID' | 'EXPIRED' | 'REVOKED'

export function unauthenticated(reason: UnauthenticatedReason): AuthError {
  return new AuthError('UNAUTHENTICATED', { extensions: { reason } })
}

/** `fields` maps input paths such as `input.email` to messages. */
export function badInput(fields: Record<string, string[]>): AuthError {
  return new AuthError('BAD_USER_INPUT', { extensions: { fields } })
}
