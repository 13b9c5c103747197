import type { ErrorCode } from './generated/enums.ts'

export type { ErrorCode }

/** One entry of `errors` in the server's answer. */
export type AnswerError = {
  readonly message: string
  readonly extensions?: Readonly<Record<string, unknown>>
}

/**
 * The server refused the operation. Decide by `code`; `message` is English text for people. A server newer
 * than this package may send a code that `ErrorCode` does not list, so keep a default case.
 */
export class AuthError extends Error {
  override readonly name = 'AuthError'
  readonly code: ErrorCode
  /** Problems with the input by path, such as `input.email`. Empty if there are none. */
  readonly fields: Readonly<Record<string, readonly string[]>>
  /** For UNAUTHENTICATED: MISSING, INVALID, EXPIRED or REVOKED. */
  readonly reason: string | undefined
  /** For RATE_LIMITED and SERVICE_UNAVAILABLE: how long to wait before the next attempt. */
  readonly retryAfterSeconds: number | undefined
  /** For CONFLICT, if the operation had `expectedUpdatedAt` and the object has changed: its current values. */
  readonly current: Readonly<Record<string, unknown>> | undefined
  /** Everything else that the server says about the error, such as `accepts` of STEP_UP_REQUIRED. */
  readonly extensions: Readonly<Record<string, unknown>>
  /** For INTERNAL_SERVER_ERROR: the ID of the matching entry in the server's log. */
  readonly requestId: string | undefined

  constructor({ message, extensions = {} }: AnswerError) {
    super(message)
    this.code = (textOf(extensions.code) ?? 'INTERNAL_SERVER_ERROR') as ErrorCode
    this.fields = fieldsOf(message, extensions)
    this.reason = textOf(extensions.reason)
    this.retryAfterSeconds = typeof extensions.retryAfter === 'number' ? extensions.retryAfter : undefined
    this.current = objectOf(extensions.current)
    this.extensions = extensions
    this.requestId = textOf(extensions.requestId)
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
}

/** EMAIL_TAKEN and USERNAME_TAKEN name one field; forms expect it among the other field errors. */
function fieldsOf(
  message: string,
  { fields, field }: Readonly<Record<string, unknown>>,
): AuthError['fields'] {
  if (fields && typeof fields === 'object') return fields as AuthError['fields']
  return typeof field === 'string' ? { [`input.${field}`]: [message] } : {}
}

/**
 * The server's answer did not arrive: the network failed, the request timed out, or a proxy answered instead.
 * The server may or may not have run the operation. Does not sign out.
 */
export class NetworkError extends Error {
  override readonly name = 'NetworkError'
  /** The HTTP status, such as 502, if a proxy answered. */
  readonly status: number | undefined
  /** The delay that the `Retry-After` header asks for. */
  readonly retryAfterSeconds: number | undefined

  constructor(
    message: string,
    facts: { status?: number | undefined; retryAfterSeconds?: number | undefined; cause?: unknown } = {},
  ) {
    super(message, facts.cause === undefined ? {} : { cause: facts.cause })
    this.status = facts.status
    this.retryAfterSeconds = facts.retryAfterSeconds
  }
}

export function isUnauthenticated(error: { readonly extensions?: unknown }): boolean {
  return (error.extensions as { code?: unknown } | undefined)?.code === 'UNAUTHENTICATED'
}
