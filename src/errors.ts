/**
 * The one table of error codes. A client is told the code and the message; the log is told the cause.
 *
 * `description` is what the schema says of the code, `message` what a client is told unless the thrower
 * says something more helpful. Messages are plain and say what to do next.
 */
export const errorTable = {
  UNAUTHENTICATED: {
    description:
      'There is no live session behind the request. `extensions.reason` is MISSING, INVALID, EXPIRED or REVOKED: refresh when EXPIRED or INVALID, sign in again otherwise.',
    message: 'Sign in to do this.',
  },
  FORBIDDEN: {
    description: 'The caller is signed in but lacks the permission.',
    message: 'Your account is not allowed to do this. Ask an administrator for the permission.',
  },
  BAD_USER_INPUT: {
    description:
      'The request or its input is not valid. `extensions.fields` maps each input path to its messages.',
    message: 'Some of the input is not valid. See the fields for what to change.',
  },
  INVALID_CREDENTIALS: {
    description: 'The password is wrong or the account unknown; neither text nor time tells which.',
    message: 'The name or the password is wrong. Check both and try again.',
  },
  REFRESH_TOKEN_INVALID: {
    description:
      'The refresh token is unknown, expired or revoked, or it shows that two holders use the session.',
    message: 'This sign-in has ended. Sign in again.',
  },
  EMAIL_TAKEN: {
    description: 'Another account has this e-mail address. `extensions.field` names the input.',
    message: 'This e-mail address already has an account. Sign in, or use another address.',
  },
  USERNAME_TAKEN: {
    description: 'Another account has this username. `extensions.field` names the input.',
    message: 'This username is taken. Choose another.',
  },
  TOKEN_INVALID: {
    description: 'The token of a link from a mail is unknown, expired, replaced by a newer one or used up.',
    message: 'This link is no longer good. Ask for a new one.',
  },
  ACCOUNT_DISABLED: {
    description: 'The account is disabled. Only told to whoever has proved the password or the mailbox.',
    message: 'This account has been disabled. Ask an administrator.',
  },
  EMAIL_NOT_VERIFIED: {
    description: 'The address must be verified first. Only told to whoever has proved the password.',
    message: 'Verify your e-mail address first: open the link in the mail that was sent to it.',
  },
  REAUTHENTICATION_REQUIRED: {
    description:
      'The operation wants a sign-in of the last 10 minutes: `reauthenticate` with the password, then repeat it.',
    message: 'Enter your password again to do this.',
  },
  REGISTRATION_CLOSED: {
    description: 'This server does not take registrations.',
    message: 'Registration is closed on this server. Ask an administrator for an account.',
  },
  NOT_FOUND: {
    description: 'There is no such object, or it is not the caller’s to see.',
    message: 'There is no such object.',
  },
  CONFLICT: {
    description: 'The change would break a rule, such as removing the last administrator.',
    message: 'The change conflicts with a rule of this server.',
  },
  RATE_LIMITED: {
    description:
      'There were too many attempts. `extensions.retryAfter` says in how many seconds to try again.',
    message: 'Too many attempts. Wait a while, then try again.',
  },
  QUERY_TOO_COMPLEX: {
    description: 'The query is too deep, too long, too expensive, or repeats a sensitive mutation.',
    message: 'The query is too large. Split it into several requests.',
  },
  SERVICE_UNAVAILABLE: {
    description:
      'The server is overloaded or cannot reach its database. Repeat after `extensions.retryAfter` seconds.',
    message: 'The server is busy. Try again in a moment.',
  },
  INTERNAL_SERVER_ERROR: {
    description: 'A fault of the server. `extensions.requestId` finds it in the log.',
    message: 'Something went wrong on the server. Try again; if it persists, report the request id.',
  },
} as const satisfies Record<string, { description: string; message: string }>

export type ErrorCode = keyof typeof errorTable

/** The codes as an object, for the schema's enum. */
export const ErrorCode = Object.fromEntries(Object.keys(errorTable).map(code => [code, code])) as {
  [Code in ErrorCode]: Code
}

export type ErrorFacts = {
  /** What the client is told instead of the table's message. */
  message?: string
  /** Further `extensions` for the client. Never a secret, never an internal. */
  extensions?: Record<string, unknown>
  /** What only the log is told. */
  cause?: unknown
}

/** An expected failure: its code, message and extensions reach the client, its cause does not. */
export class AuthError extends Error {
  readonly code: ErrorCode
  readonly extensions: Record<string, unknown>

  constructor(code: ErrorCode, facts: ErrorFacts = {}) {
    super(facts.message ?? errorTable[code].message, { cause: facts.cause })
    this.name = 'AuthError'
    this.code = code
    this.extensions = facts.extensions ?? {}
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
