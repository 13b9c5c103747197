import {
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isCompositeType,
  isInterfaceType,
  isListType,
  isObjectType,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql'
import { PAGE_MAX } from '../pagination.ts'
import { type ListSizeOptions, listSizeOf, weightOf } from './cost.ts'

/** Nested fields, and objects that the response could contain, with what `@Cost` adds. */
export type DocumentSize = { depth: number; cost: number }
const NOTHING: DocumentSize = { depth: 0, cost: 0 }

type Parent = GraphQLCompositeType | undefined

/** The assumed length of a list without a page argument. */
const LIST_LENGTH = 20
const PAGE_ARGUMENTS: readonly string[] = ['first', 'last']

/**
 * Measures the selections of a document. Each fragment is measured once for each list length, however often it is spread,
 * so the work grows with the length of the document even if every fragment doubles the next.
 */
export function documentMeasure(
  schema: GraphQLSchema,
  fragmentOf: (name: string) => FragmentDefinitionNode | null | undefined,
): (set: SelectionSetNode, parent: Parent) => DocumentSize {
  const fragments = new Map<string, DocumentSize>()
  return (set, parent) => sizeOf(set, parent)

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
    const field = fieldOf(parent, node.name.value)
    const weight = weightOf(field)
    if (!node.selectionSet) return { depth: 1, cost: weight }
    const isList = field !== undefined && isListType(getNullableType(field.type))
    const type = field && getNamedType(field.type)
    const requested = requestedLength(node, listSizeOf(field))
    // The argument of a connection is for the lists inside it, that of a list for itself.
    const innerLength = isList ? undefined : requested
    const inner = sizeOf(node.selectionSet, isCompositeType(type) ? type : undefined, innerLength)
    // The schema has a fixed size, and graphql-js limits introspection itself (MaxIntrospectionDepthRule).
    if (node.name.value.startsWith('__')) return { depth: inner.depth + 1, cost: 0 }
    const times = isList ? (requested ?? listLength) : 1
    return { depth: inner.depth + 1, cost: weight + times * (inner.cost + 1) }
  }

  function sizeOfFragment(name: string, listLength: number): DocumentSize {
    const key = `${name}:${listLength}`
    const measured = fragments.get(key)
    if (measured) return measured
    // Ends the recursion of a fragment that spreads itself. Another rule refuses such a document.
    fragments.set(key, NOTHING)
    const fragment = fragmentOf(name)
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

function fieldOf(parent: Parent, name: string): GraphQLField<unknown, unknown> | undefined {
  return isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[name] : undefined
}

/**
 * The number of items that a field's arguments request, or that `@ListSize` states. A variable, or a value that will be
 * refused, counts as the maximum.
 */
function requestedLength(node: FieldNode, stated: ListSizeOptions | undefined): number | undefined {
  const max = stated?.assumedSize ?? PAGE_MAX
  const names = stated?.slicingArguments ?? PAGE_ARGUMENTS
  const page = node.arguments?.find(({ name }) => names.includes(name.value))
  if (!page) return stated?.assumedSize
  const length = page.value.kind === Kind.INT ? Number(page.value.value) : max
  return length >= 1 && length <= max ? length : max
}
