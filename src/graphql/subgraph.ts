import type { GraphQLResolveInfo, GraphQLSchema } from 'graphql'
import type { Context } from '../context.ts'

/** A type of the program that other subgraphs can refer to (Apollo Federation 2). */
export type Entity = {
  /** The fields that identify an object, such as `id`, or `sku brand { name }`. A list of several keys. */
  key: string | readonly string[]
  /**
   * Returns the object that a gateway refers to by one of the keys; null if it does not exist. `reference` also has the
   * fields that the gateway needs for `@requires`.
   */
  resolve(reference: Record<string, unknown>, context: Context, info: GraphQLResolveInfo): unknown
  /** As in `@Authorized(...)`: who can look objects up. Default: everyone with a session. */
  authorized?: readonly string[] | undefined
  /** Whether strangers can look objects up too. The guards of the fields still apply. */
  public?: boolean | undefined
}

/** Types of the program by their names. */
export type Entities = Readonly<Record<string, Entity>>

/**
 * The schema as a subgraph: see federation.ts. Its package is not a dependency, because not all of its code has a license
 * that the Open Source Initiative approves.
 * @throws Error if the package is not installed, or an entity is no object type of the program
 */
export async function subgraphOf(schema: GraphQLSchema, entities?: Entities): Promise<GraphQLSchema> {
  const { createSubgraphSchema } = await load()
  return createSubgraphSchema(schema, entities)
}

/** The text of the subgraph, for composition. */
export async function subgraphText(schema: GraphQLSchema): Promise<string> {
  const { printSubgraph } = await load()
  return printSubgraph(schema)
}

async function load(): Promise<typeof import('./federation.ts')> {
  try {
    return await import('./federation.ts')
  } catch (error) {
    // Without ERR_ where the bundle requires it.
    if (!(error as NodeJS.ErrnoException).code?.endsWith('MODULE_NOT_FOUND')) throw error
    throw new Error(
      'FEDERATION=on requires the package @apollo/subgraph. Run: npm install @apollo/subgraph',
      {
        cause: error,
      },
    )
  }
}
