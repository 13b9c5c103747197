import {
  type ASTVisitor,
  type FieldNode,
  type GraphQLCompositeType,
  GraphQLError,
  getNamedType,
  getNullableType,
  isCompositeType,
  isListType,
  isObjectType,
  Kind,
  type SelectionSetNode,
  type ValidationContext,
} from 'graphql'
import { AuthError } from '../errors.ts'
import { PAGE_MAX } from '../pagination.ts'

/**
 * What a document may hold. An introspection query and every screen of an account page stay far below;
 * what is above is made to keep the server busy.
 */
export const limits = {
  /** The parser stops here, so everything after it is short work. */
  tokens: 1000,
  /** Fields inside of fields. */
  depth: 15,
  aliases: 30,
  directives: 30,
  /** Objects that the answer could hold, each list as long as it may be. */
  cost: 5000,
  /** Mutations marked `sensitive`: they check a secret, create something or send mail. */
  sensitiveMutations: 3,
} as const

/** What a list is taken for where nothing says how long it is. */
const LIST_LENGTH = 20

/** The error for a document that goes beyond the limits. */
function tooComplex(what: string): GraphQLError {
  const message = `The query is too large: ${what}. Split it into several requests.`
  return new GraphQLError(message, { originalError: new AuthError('QUERY_TOO_COMPLEX', { message }) })
}

type Size = { depth: number; cost: number }
const NOTHING: Size = { depth: 0, cost: 0 }

/**
 * A validation rule that holds documents to `limits`. A fragment is measured once, however often it is
 * spread, so that fragments which double at each step cost no more than they have characters.
 */
export function limitsRule(context: ValidationContext): ASTVisitor {
  const sizes = new Map<string, Size>()
  let aliases = 0
  let directives = 0

  /** `listLength` is that of the lists right inside, of which the field around says how long they are. */
  function sizeOf(
    set: SelectionSetNode,
    parent: GraphQLCompositeType | undefined,
    listLength = LIST_LENGTH,
  ): Size {
    let { depth, cost } = NOTHING
    for (const selection of set.selections) {
      const size =
        selection.kind === Kind.FIELD
          ? sizeOfField(selection, parent, listLength)
          : selection.kind === Kind.FRAGMENT_SPREAD
            ? sizeOfFragment(selection.name.value, listLength)
            : sizeOf(
                selection.selectionSet,
                conditionType(selection.typeCondition?.name.value) ?? parent,
                listLength,
              )
      depth = Math.max(depth, size.depth)
      cost += size.cost
    }
    return { depth, cost }
  }

  function sizeOfField(node: FieldNode, parent: GraphQLCompositeType | undefined, listLength: number): Size {
    if (!node.selectionSet) return { depth: 1, cost: 0 }
    const field = isObjectType(parent) ? parent.getFields()[node.name.value] : undefined
    const type = field && getNamedType(field.type)
    const inner = sizeOf(node.selectionSet, isCompositeType(type) ? type : undefined, pageLength(node))
    // The schema stays as small as it is; graphql-js limits what is asked of it (MaxIntrospectionDepthRule).
    if (node.name.value.startsWith('__')) return { depth: inner.depth + 1, cost: 0 }
    const times = field && isListType(getNullableType(field.type)) ? listLength : 1
    return { depth: inner.depth + 1, cost: times * (inner.cost + 1) }
  }

  function sizeOfFragment(name: string, listLength: number): Size {
    const key = `${name}:${listLength}`
    const known = sizes.get(key)
    if (known) return known
    // A fragment that is spread inside of itself: another rule refuses that.
    sizes.set(key, NOTHING)
    const fragment = context.getFragment(name)
    const size = fragment
      ? sizeOf(fragment.selectionSet, conditionType(fragment.typeCondition.name.value), listLength)
      : NOTHING
    sizes.set(key, size)
    return size
  }

  function conditionType(name: string | undefined): GraphQLCompositeType | undefined {
    const type = name === undefined ? undefined : context.getSchema().getType(name)
    return isCompositeType(type) ? type : undefined
  }

  return {
    Field: node => {
      if (node.alias && ++aliases === limits.aliases + 1)
        context.reportError(tooComplex(`it has more than ${limits.aliases} aliases`))
    },
    Directive: () => {
      if (++directives === limits.directives + 1)
        context.reportError(tooComplex(`it has more than ${limits.directives} directives`))
    },
    OperationDefinition: node => {
      const { depth, cost } = sizeOf(
        node.selectionSet,
        context.getSchema().getRootType(node.operation) ?? undefined,
      )
      if (depth > limits.depth) context.reportError(tooComplex(`it nests deeper than ${limits.depth} fields`))
      if (cost > limits.cost)
        context.reportError(tooComplex(`it could return more than ${limits.cost} objects`))
      if (sensitiveFields(context, node.selectionSet).size > limits.sensitiveMutations) {
        context.reportError(tooComplex(`it has more than ${limits.sensitiveMutations} sensitive mutations`))
      }
    },
  }
}

/** How many items a connection is asked for: the most where only a variable knows, or where it will be refused. */
function pageLength(node: FieldNode): number | undefined {
  const page = node.arguments?.find(({ name }) => name.value === 'first' || name.value === 'last')
  if (!page) return undefined
  const length = page.value.kind === Kind.INT ? Number(page.value.value) : PAGE_MAX
  return length >= 1 && length <= PAGE_MAX ? length : PAGE_MAX
}

/** The names under which the answer would hold sensitive mutations, through fragments too. */
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
