import type { ErrorCode } from './generated/enums.ts'

export type { ErrorCode }

/** One entry of `errors` in an answer of the server. */
export type AnswerError = {
  readonly message: string
  readonly extensions?: Readonly<Record<string, unknown>>
}

/**
 * The server's refusal. `code` says what to do; `message` is plain English for people. A server that is
 * newer than this package may send a code that `ErrorCode` does not list: keep a default case.
 */
export class AuthError extends Error {
  override readonly name = 'AuthError'
  readonly code: ErrorCode
  /** What is wrong with the input, by its path, such as `input.email`. Empty where nothing is. */
  readonly fields: Readonly<Record<string, readonly string[]>>
  /** Of UNAUTHENTICATED: MISSING, INVALID, EXPIRED or REVOKED. */
  readonly reason: string | undefined
  /** Of RATE_LIMITED and SERVICE_UNAVAILABLE: how long to wait before trying again. */
  readonly retryAfterSeconds: number | undefined
  /** Of INTERNAL_SERVER_ERROR: what finds the fault in the server's log. */
  readonly requestId: string | undefined

  constructor({ message, extensions = {} }: AnswerError) {
    super(message)
    this.code = (textOf(extensions.code) ?? 'INTERNAL_SERVER_ERROR') as ErrorCode
    this.fields = fieldsOf(message, extensions)
    this.reason = textOf(extensions.reason)
    this.retryAfterSeconds = typeof extensions.retryAfter === 'number' ? extensions.retryAfter : undefined
    this.requestId = textOf(extensions.requestId)
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** EMAIL_TAKEN and USERNAME_TAKEN name one field of the input; forms want them where the others are. */
function fieldsOf(
  message: string,
  { fields, field }: Readonly<Record<string, unknown>>,
): AuthError['fields'] {
  if (fields && typeof fields === 'object') return fields as AuthError['fields']
  return typeof field === 'string' ? { [`input.${field}`]: [message] } : {}
}

/**
 * No answer of the server: the network is away, it took too long, or something in between answered in its
 * place. Nothing is known of what the server did, and nobody is signed out by it.
 */
export class NetworkError extends Error {
  override readonly name = 'NetworkError'
  /** What something in between answered with, such as 502. */
  readonly status: number | undefined
  /** How long it asks to be left alone, by its header `Retry-After`. */
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
