import {
  type FieldNode,
  type GraphQLCompositeType,
  getNamedType,
  getNullableType,
  isCompositeType,
  isListType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  type ValidationContext,
} from 'graphql'
import { PAGE_MAX } from '../pagination.ts'

/** Nested fields, and objects that the response could contain. */
export type DocumentSize = { depth: number; cost: number }
const NOTHING: DocumentSize = { depth: 0, cost: 0 }

type Parent = GraphQLCompositeType | undefined

/** The assumed length of a list without a page argument. */
const LIST_LENGTH = 20

/**
 * Measures the operations of a document. Each fragment is measured once for each list length, however often it is spread,
 * so the work grows with the length of the document even if every fragment doubles the next.
 */
export function documentMeasure(
  context: ValidationContext,
): (operation: OperationDefinitionNode) => DocumentSize {
  const schema = context.getSchema()
  const fragments = new Map<string, DocumentSize>()
  return ({ operation, selectionSet }) => sizeOf(selectionSet, schema.getRootType(operation) ?? undefined)

  /** `listLength` is the length of the lists directly inside the set, as the field around it requests. */
  function sizeOf(set: SelectionSetNode, parent: Parent, listLength = LIST_LENGTH): DocumentSize {
    let { depth, cost } = NOTHING
    for (const selection of set.selections) {
      const size = sizeOfSelection(selection, parent, listLength)
      depth = Math.max(depth, size.depth)
      cost += size.cost
    }
    return { depth, cost }
  }

  function sizeOfSelection(selection: SelectionNode, parent: Parent, listLength: number): DocumentSize {
    if (selection.kind === Kind.FIELD) return sizeOfField(selection, parent, listLength)
    if (selection.kind === Kind.FRAGMENT_SPREAD) return sizeOfFragment(selection.name.value, listLength)
    const type = compositeType(selection.typeCondition?.name.value) ?? parent
    return sizeOf(selection.selectionSet, type, listLength)
  }

  function sizeOfField(node: FieldNode, parent: Parent, listLength: number): DocumentSize {
    if (!node.selectionSet) return { depth: 1, cost: 0 }
    const field = isObjectType(parent) ? parent.getFields()[node.name.value] : undefined
    const type = field && getNamedType(field.type)
    const inner = sizeOf(node.selectionSet, isCompositeType(type) ? type : undefined, pageLength(node))
    // The schema has a fixed size, and graphql-js limits introspection itself (MaxIntrospectionDepthRule).
    if (node.name.value.startsWith('__')) return { depth: inner.depth + 1, cost: 0 }
    const times = field && isListType(getNullableType(field.type)) ? listLength : 1
    return { depth: inner.depth + 1, cost: times * (inner.cost + 1) }
  }

  function sizeOfFragment(name: string, listLength: number): DocumentSize {
    const key = `${name}:${listLength}`
    const measured = fragments.get(key)
    if (measured) return measured
    // Ends the recursion of a fragment that spreads itself. Another rule refuses such a document.
    fragments.set(key, NOTHING)
    const fragment = context.getFragment(name)
    const size = fragment
      ? sizeOf(fragment.selectionSet, compositeType(fragment.typeCondition.name.value), listLength)
      : NOTHING
    fragments.set(key, size)
    return size
  }

  function compositeType(name: string | undefined): Parent {
    const type = name === undefined ? undefined : schema.getType(name)
    return isCompositeType(type) ? type : undefined
  }
}

/**
 * The number of items that a field's arguments request. A variable, or a value that will be refused, counts as the
 * maximum.
 */
function pageLength(node: FieldNode): number | undefined {
  const page = node.arguments?.find(({ name }) => name.value === 'first' || name.value === 'last')
  if (!page) return undefined
  const length = page.value.kind === Kind.INT ? Number(page.value.value) : PAGE_MAX
  return length >= 1 && length <= PAGE_MAX ? length : PAGE_MAX
}
