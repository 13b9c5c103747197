import { unwrapResolverError } from '@apollo/server/errors'
import { GraphQLError, type GraphQLFormattedError } from 'graphql'
import { ArgumentValidationError } from 'type-graphql'
import { isUnavailable } from '../database/unavailable.ts'
import { AuthError, badInput } from '../errors.ts'

/** How long clients should wait if the database is unreachable. */
const RETRY_AFTER_SECONDS = 2

/**
 * The error that a client receives: a code and a message that is safe to show. The code is one of ours or, if a resolver
 * of the embedding program threw a `GraphQLError` with a code, that one. Everything else that an error may contain (SQL,
 * stacks, values of variables) stays on the server.
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

type PublicError = { code: string; message: string; extensions: Record<string, unknown> }

function publicError(formatted: GraphQLFormattedError, error: unknown): PublicError {
  const cause = causeOf(error)
  if (cause instanceof AuthError) return cause
  const own = fromResolver(formatted, error, cause)
  if (own) return own
  if (isUnavailable(cause)) {
    return new AuthError('SERVICE_UNAVAILABLE', { extensions: { retryAfter: RETRY_AFTER_SECONDS } })
  }
  return fromGraphQL(formatted, cause) ?? new AuthError('INTERNAL_SERVER_ERROR')
}

/** The error that a resolver threw or a validation rule reported. Apollo Server wraps both. */
function causeOf(error: unknown): unknown {
  const reported = error instanceof GraphQLError ? error.originalError : undefined
  return reported instanceof AuthError ? reported : unwrapResolverError(error)
}

/**
 * What a resolver of the embedding program tells the client on purpose, by throwing a `GraphQLError` with a code. Errors
 * of requests have no path, those of argument coercion have no code, and a plain `Error` is a fault.
 */
function fromResolver(
  formatted: GraphQLFormattedError,
  error: unknown,
  cause: unknown,
): PublicError | undefined {
  if (!(cause instanceof GraphQLError) || !(error instanceof GraphQLError) || !error.path) return undefined
  const { code } = cause.extensions
  if (typeof code !== 'string' || code === '' || code === 'INTERNAL_SERVER_ERROR') return undefined
  if (cause instanceof ArgumentValidationError) return badInput(invalidFields(cause))
  // `http` is for Apollo Server, which sets the status and the headers of the response. A stack is for the log.
  const { code: _code, http: _http, stacktrace: _stack, ...extensions } = formatted.extensions ?? {}
  return { code, message: cause.message, extensions }
}

type Invalid = { property: string; constraints?: Record<string, string>; children?: Invalid[] }

/** The messages of the arguments that TypeGraphQL checked, by path. Its own extensions repeat the values. */
function invalidFields({ extensions }: ArgumentValidationError): Record<string, string[]> {
  const fields: Record<string, string[]> = {}
  const collect = (invalid: Invalid[], parent: string) => {
    for (const { property, constraints, children } of invalid) {
      const messages = Object.values(constraints ?? {})
      if (messages.length > 0) fields[parent + property] = messages
      collect(children ?? [], `${parent}${property}.`)
    }
  }
  collect((extensions.validationErrors ?? []) as Invalid[], '')
  return fields
}

/** Apollo Server's codes for invalid requests, and ours. */
const REQUEST_FAULTS = new Set<unknown>([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_USER_INPUT',
  'BAD_REQUEST',
  'OPERATION_RESOLUTION_FAILURE',
  'PERSISTED_QUERY_NOT_FOUND',
  'PERSISTED_QUERY_NOT_SUPPORTED',
])

/** graphql-js's message for a document with too many tokens. */
const TOKEN_LIMIT = /Document contains more tha[nt] \d+ tokens/

function fromGraphQL(formatted: GraphQLFormattedError, cause: unknown): PublicError | undefined {
  if (!(cause instanceof GraphQLError)) return undefined
  const { message, extensions = {} } = formatted
  if (TOKEN_LIMIT.test(message)) return new AuthError('QUERY_TOO_COMPLEX')
  const argument = ARGUMENT_FAULT.exec(message)?.[1]
  if (argument) return badInput({ [argument]: [WRONG_TYPE] })
  if (!REQUEST_FAULTS.has(extensions.code) && !UNKNOWN_OPERATION.test(message)) return undefined
  const variable = coercionFault(message)
  if (variable) return badInput({ [variable.path]: [variable.reason] })
  const introspects = extensions.validationErrorCode === 'INTROSPECTION_DISABLED'
  return {
    code: 'BAD_USER_INPUT',
    message: introspects ? 'Introspection is disabled on this server.' : withoutLiterals(message),
    extensions: {},
  }
}

const WRONG_TYPE = 'This value has the wrong type.'

/** Invalid requests that graphql-js detects only during execution, and reports without a code. */
const ARGUMENT_FAULT = /^Argument "(\w+)" (?:of |has invalid value)/
const UNKNOWN_OPERATION = /^Schema is not configured to execute \w+ operation\.$/

/** The message without the query's literals, which graphql-js quotes: one of them may be a password. */
function withoutLiterals(message: string): string {
  return message
    .replace(/(?<=^Syntax Error: .*found (?:String|BlockString|Int|Float)) .*/s, '.')
    .replace(/(?<= cannot represent [\w -]+): .*/s, '.')
    .replace(/(?<=^Expected value of type "[^"]+"), found .*/s, '.')
    .replace(/^Value ".*" does not exist in (?="\w+" enum)/s, 'This value does not exist in ')
}

/** Faults of a variable's declaration. graphql-js's messages say which variable and why, and quote no value. */
const DECLARATION_FAULT =
  /^Variable "\$\w+" (?:is never used|is not defined|of type "[^"]+" used in position|cannot be non-input type)/

/**
 * The path and the reason from graphql-js's message about a variable's value, such as
 * `Variable "$input" got invalid value "secret" at "input.password"; Expected …`, without the value.
 */
function coercionFault(message: string): { path: string; reason: string } | undefined {
  const start = /^Variable "\$(\w+)"/.exec(message)
  if (!start?.[1] || DECLARATION_FAULT.test(message)) return undefined
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
  return WRONG_TYPE
}

/** Whether to log an error: a fault of the server or of something it depends on. */
export function isFault(error: GraphQLError): boolean {
  return codeOf(error) === 'INTERNAL_SERVER_ERROR' || isUnavailability(error)
}

/** Whether the client only has to send the request again later. */
export function isUnavailability(error: GraphQLError): boolean {
  return codeOf(error) === 'SERVICE_UNAVAILABLE'
}

function codeOf(error: GraphQLError): string {
  return publicError(error.toJSON(), error).code
}
