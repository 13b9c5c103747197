import {
  type DocumentNode,
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  parse,
  specifiedRules,
  validate,
} from 'graphql'
import { AuthError } from '../errors.ts'
import type { RequestLimits } from '../request-limits.ts'
import { formatError } from './format-error.ts'
import { limitsRule } from './limits.ts'

export type ReadDocument =
  | { document: DocumentNode; errors?: undefined }
  | { document?: undefined; errors: readonly GraphQLError[] }

/**
 * Parses and validates a document within the limits, as Apollo Server does for `/graphql`. `hideSuggestions`: errors name no
 * part of the schema that the document does not name.
 */
export function readDocument(
  schema: GraphQLSchema,
  source: string,
  limits: RequestLimits,
  hideSuggestions = false,
): ReadDocument {
  let document: DocumentNode
  try {
    document = parse(source, { maxTokens: limits.tokens })
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error
    return { errors: [error] }
  }
  const errors = validate(schema, document, [...specifiedRules, limitsRule(limits)], { hideSuggestions })
  return errors.length > 0 ? { errors } : { document }
}

/** The errors of a result as clients receive them. Those without a path are faults of the request. */
export function toClient(errors: readonly GraphQLError[] = []): GraphQLFormattedError[] {
  return errors.map(error => {
    const coded = error.path || error.originalError instanceof AuthError ? error : requestFault(error)
    return formatError(coded.toJSON(), coded)
  })
}

/** Marks an error as Apollo Server marks those of validation and of variables. */
function requestFault({ message, nodes, source, positions, extensions }: GraphQLError): GraphQLError {
  return new GraphQLError(message, {
    ...(nodes && { nodes }),
    ...(source && { source }),
    ...(positions && { positions }),
    extensions: { code: 'BAD_USER_INPUT', ...extensions },
  })
}
