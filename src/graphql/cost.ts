import type { GraphQLField } from 'graphql'
import { Extensions } from 'type-graphql'

type FieldDecorator = ReturnType<typeof Extensions>

/**
 * States what a field costs besides the objects it returns: as much as `weight` objects. Applies each time the field could
 * occur in a response, so inside a list once for each item.
 * @throws Error if `weight` is not a number from 0 on
 */
export function Cost(weight: number): FieldDecorator {
  if (!(weight >= 0 && Number.isFinite(weight)))
    throw new Error('@Cost: the weight must be a number from 0 on.')
  return Extensions({ cost: weight })
}

export type ListSizeOptions = {
  /** The maximum length of the list. Its resolver refuses to return more. */
  assumedSize: number
  /** The arguments that a client can choose the length with. Default: `first` and `last`. */
  slicingArguments?: readonly string[]
}

/**
 * States how long a list can be. On a field that returns an object, it applies to the lists inside, as in a connection.
 * @throws Error if `assumedSize` is not an integer from 1 on
 */
export function ListSize({ assumedSize, slicingArguments }: ListSizeOptions): FieldDecorator {
  if (!(Number.isInteger(assumedSize) && assumedSize >= 1))
    throw new Error('@ListSize: assumedSize must be an integer from 1 on.')
  return Extensions({ listSize: { assumedSize, slicingArguments } })
}

type AnyField = GraphQLField<unknown, unknown>

/** What `@Cost` states about a field. */
export function weightOf(field: AnyField | undefined): number {
  return Number(field?.extensions.cost ?? 0)
}

/** What `@ListSize` states about a field. */
export function listSizeOf(field: AnyField | undefined): ListSizeOptions | undefined {
  return field?.extensions.listSize as ListSizeOptions | undefined
}
