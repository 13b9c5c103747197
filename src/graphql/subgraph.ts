import type { GraphQLSchema } from 'graphql'

/**
 * The schema as a subgraph: see federation.ts. Its package is not a dependency, because not all of its code has a license
 * that the Open Source Initiative approves.
 * @throws Error if the package is not installed
 */
export async function subgraphOf(schema: GraphQLSchema): Promise<GraphQLSchema> {
  const { createSubgraphSchema } = await load()
  return createSubgraphSchema(schema)
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
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new Error(
      'FEDERATION=on requires the package @apollo/subgraph. Run: npm install @apollo/subgraph',
      {
        cause: error,
      },
    )
  }
}
