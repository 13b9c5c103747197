import {
  type ASTVisitor,
  GraphQLError,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValidationContext,
  type ValidationRule,
} from 'graphql'
import { AuthError } from '../errors.ts'
import { DEFAULT_LIMITS, type RequestLimits } from '../request-limits.ts'
import { documentMeasure } from './document-size.ts'

/** A validation rule that enforces the limits. */
export function limitsRule(limits: RequestLimits = DEFAULT_LIMITS): ValidationRule {
  return context => ({ ...countRule(context, limits), OperationDefinition: operationRule(context, limits) })
}

/** Limits the aliases and directives of the whole document. Reports each limit once. */
function countRule(context: ValidationContext, limits: RequestLimits): ASTVisitor {
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
function operationRule(
  context: ValidationContext,
  limits: RequestLimits,
): (node: OperationDefinitionNode) => void {
  const schema = context.getSchema()
  const measure = documentMeasure(schema, name => context.getFragment(name))
  return node => {
    const { depth, cost } = measure(node.selectionSet, schema.getRootType(node.operation) ?? undefined)
    if (depth > limits.depth) context.reportError(tooComplex(`it nests deeper than ${limits.depth} fields`))
    if (cost > limits.cost)
      context.reportError(tooComplex(`it could return more than ${limits.cost} objects`))
    if (sensitiveFields(context, node.selectionSet).size > limits.sensitiveMutations) {
      context.reportError(tooComplex(`it has more than ${limits.sensitiveMutations} sensitive mutations`))
    }
  }
}

/** The error for a document that exceeds a limit. */
export function queryTooComplex(what: string): AuthError {
  const message = `The query is too large: ${what}. Split it into several requests.`
  return new AuthError('QUERY_TOO_COMPLEX', { message })
}

function tooComplex(what: string): GraphQLError {
  const originalError = queryTooComplex(what)
  return new GraphQLError(originalError.message, { originalError })
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
