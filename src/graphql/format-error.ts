import { unwrapResolverError } from '@apollo/server/errors'
import { GraphQLError, type GraphQLFormattedError } from 'graphql'
import { isUnavailable } from '../database/unavailable.ts'
import { AuthError, badInput, type ErrorCode } from '../errors.ts'

/** How long a client should wait before it tries a server again whose database is away. */
const RETRY_AFTER_SECONDS = 2

/**
 * What a client is told of an error: one of our codes and a message that is ours. Whatever else an error
 * says (SQL, stacks, values of variables) stays here.
 */
export function formatError(formatted: GraphQLFormattedError, error: unknown): GraphQLFormattedError {
  const { code, message, extensions } = publicError(formatted, error)
  return {
    message,
    ...(formatted.locations && { locations: formatted.locations }),
    ...(formatted.path && { path: formatted.path }),
    extensions: { code, ...extensions },
  }
}

type PublicError = { code: ErrorCode; message: string; extensions: Record<string, unknown> }

function publicError(formatted: GraphQLFormattedError, error: unknown): PublicError {
  const cause = causeOf(error)
  if (cause instanceof AuthError) return cause
  if (isUnavailable(cause)) {
    return new AuthError('SERVICE_UNAVAILABLE', { extensions: { retryAfter: RETRY_AFTER_SECONDS } })
  }
  return fromGraphQL(formatted, cause) ?? new AuthError('INTERNAL_SERVER_ERROR')
}

/** What a resolver threw, or what one of our validation rules reported: Apollo Server wraps both. */
function causeOf(error: unknown): unknown {
  const reported = error instanceof GraphQLError ? error.originalError : undefined
  return reported instanceof AuthError ? reported : unwrapResolverError(error)
}

/** Codes of Apollo Server for what is wrong with a request, and ours for the same. */
const REQUEST_FAULTS = new Set<unknown>([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_USER_INPUT',
  'BAD_REQUEST',
  'OPERATION_RESOLUTION_FAILURE',
  'PERSISTED_QUERY_NOT_FOUND',
  'PERSISTED_QUERY_NOT_SUPPORTED',
])

/** What graphql-js says where its parser stops counting. */
const TOKEN_LIMIT = /Document contains more tha[nt] \d+ tokens/

function fromGraphQL(formatted: GraphQLFormattedError, cause: unknown): PublicError | undefined {
  if (!(cause instanceof GraphQLError)) return undefined
  const { message, extensions = {} } = formatted
  if (TOKEN_LIMIT.test(message)) return new AuthError('QUERY_TOO_COMPLEX')
  const argument = ARGUMENT_FAULT.exec(message)?.[1]
  if (argument) return badInput({ [argument]: ['This value does not fit its type.'] })
  if (!REQUEST_FAULTS.has(extensions.code) && !UNKNOWN_OPERATION.test(message)) return undefined
  const variable = coercionFault(message)
  if (variable) return badInput({ [variable.path]: [variable.reason] })
  const introspects = extensions.validationErrorCode === 'INTROSPECTION_DISABLED'
  return {
    code: 'BAD_USER_INPUT',
    message: introspects ? 'Introspection is switched off on this server.' : withoutLiterals(message),
    extensions: {},
  }
}

/** What is wrong with a request too, though graphql-js finds it while it executes and says so by no code. */
const ARGUMENT_FAULT = /^Argument "(\w+)" (?:of |has invalid value)/
const UNKNOWN_OPERATION = /^Schema is not configured to execute \w+ operation\.$/

/** The message without the literals of the query that graphql-js quotes: one of them may be a password. */
function withoutLiterals(message: string): string {
  return message
    .replace(/(?<=^Syntax Error: .*found (?:String|BlockString|Int|Float)) .*/s, '.')
    .replace(/(?<= cannot represent [\w -]+): .*/s, '.')
    .replace(/(?<=^Expected value of type "[^"]+"), found .*/s, '.')
    .replace(/^Value ".*" does not exist in (?="\w+" enum)/s, 'This value does not exist in ')
}

/**
 * What graphql-js says of a variable, such as
 * `Variable "$input" got invalid value "secret" at "input.password"; Expected …`, without the value.
 */
function coercionFault(message: string): { path: string; reason: string } | undefined {
  const start = /^Variable "\$(\w+)"/.exec(message)
  if (!start?.[1]) return undefined
  const missing = /^[^"]+"\$\w+" of (?:required|non-null) type "([^"]+)" (?:was not|must not)/.exec(message)
  if (missing) return { path: start[1], reason: `This is required (${missing[1]}).` }
  const paths = message.matchAll(/ at "(\w+)([\w.[\]]*)"; /g)
  const path = [...paths].findLast(([, name]) => name === start[1])
  return { path: start[1] + (path?.[2] ?? ''), reason: coercionReason(message) }
}

const COERCION_REASONS: [RegExp, (match: RegExpExecArray) => string][] = [
  [
    /Field "(\w+)" of required type "([^"]+)" was not provided\.$/,
    match => `The field ${match[1]} (${match[2]}) is required.`,
  ],
  [/Field "(\w+)" is not defined by type "(\w+)"\./, match => `${match[2]} has no field ${match[1]}.`],
  [/Expected non-nullable type "([^"]+)" not to be null\.$/, match => `This is required (${match[1]}).`],
  [/Expected type "([^"]+)" to be an object\.$/, match => `This must be an object of type ${match[1]}.`],
  [/(String|Int|Float|Boolean|ID) cannot represent /, match => `This must be of type ${match[1]}.`],
  [/ does not exist in "(\w+)" enum\./, match => `This must be a value of ${match[1]}.`],
  [/Enum "(\w+)" cannot represent /, match => `This must be a value of ${match[1]}.`],
]

function coercionReason(message: string): string {
  for (const [pattern, say] of COERCION_REASONS) {
    const match = pattern.exec(message)
    if (match) return say(match)
  }
  return 'This value does not fit its type.'
}

/** Whether the log should hear of an error: a fault of ours, or something we depend on. */
export function isFault(error: GraphQLError): boolean {
  return codeOf(error) === 'INTERNAL_SERVER_ERROR' || isUnavailability(error)
}

/** Whether an error only means that the request is to be sent again later. */
export function isUnavailability(error: GraphQLError): boolean {
  return codeOf(error) === 'SERVICE_UNAVAILABLE'
}

function codeOf(error: GraphQLError): ErrorCode {
  return publicError(error.toJSON(), error).code
}
