import {
  type ASTVisitor,
  GraphQLError,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValidationContext,
} from 'graphql'
import { AuthError } from '../errors.ts'
import { documentMeasure } from './document-size.ts'

/**
 * The maximum size of a document. Introspection and every screen of the account pages stay far below it. A larger
 * document is likely an attempt to overload the server.
 */
export const limits = {
  /** The parser stops here, which bounds the work of everything after it. */
  tokens: 1000,
  /** Levels of nested fields. */
  depth: 15,
  aliases: 30,
  directives: 30,
  /** Objects that the response could contain, with every list at its maximum length. */
  cost: 5000,
  /** Mutations marked `sensitive`: they check a secret, create something or send email. */
  sensitiveMutations: 3,
} as const

/** A validation rule that enforces `limits`. */
export function limitsRule(context: ValidationContext): ASTVisitor {
  return { ...countRule(context), OperationDefinition: operationRule(context) }
}

/** Limits the aliases and directives of the whole document. Reports each limit once. */
function countRule(context: ValidationContext): ASTVisitor {
  let aliases = 0
  let directives = 0
  return {
    Field: node => {
      if (node.alias && ++aliases === limits.aliases + 1)
        context.reportError(tooComplex(`it has more than ${limits.aliases} aliases`))
    },
    Directive: () => {
      if (++directives === limits.directives + 1)
        context.reportError(tooComplex(`it has more than ${limits.directives} directives`))
    },
  }
}

/** Limits the depth, the cost and the sensitive mutations of each operation. */
function operationRule(context: ValidationContext): (node: OperationDefinitionNode) => void {
  const measure = documentMeasure(context)
  return node => {
    const { depth, cost } = measure(node)
    if (depth > limits.depth) context.reportError(tooComplex(`it nests deeper than ${limits.depth} fields`))
    if (cost > limits.cost)
      context.reportError(tooComplex(`it could return more than ${limits.cost} objects`))
    if (sensitiveFields(context, node.selectionSet).size > limits.sensitiveMutations) {
      context.reportError(tooComplex(`it has more than ${limits.sensitiveMutations} sensitive mutations`))
    }
  }
}

/** The error for a document that exceeds a limit. */
function tooComplex(what: string): GraphQLError {
  const message = `The query is too large: ${what}. Split it into several requests.`
  return new GraphQLError(message, { originalError: new AuthError('QUERY_TOO_COMPLEX', { message }) })
}

/** The response keys of the sensitive mutations, including those inside fragments. */
function sensitiveFields(
  context: ValidationContext,
  set: SelectionSetNode,
  found = new Set<string>(),
  seen = new Set<string>(),
): Set<string> {
  const mutations = context.getSchema().getMutationType()?.getFields()
  for (const selection of set.selections) {
    if (selection.kind === Kind.FIELD) {
      if (mutations?.[selection.name.value]?.extensions.sensitive) {
        found.add(selection.alias?.value ?? selection.name.value)
      }
    } else if (selection.kind === Kind.INLINE_FRAGMENT) {
      sensitiveFields(context, selection.selectionSet, found, seen)
    } else if (!seen.has(selection.name.value)) {
      seen.add(selection.name.value)
      const fragment = context.getFragment(selection.name.value)
      if (fragment) sensitiveFields(context, fragment.selectionSet, found, seen)
    }
  }
  return found
}
