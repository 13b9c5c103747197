import type { GraphQLSchema } from 'graphql'

export type Example = { coordinate: string; text: string }

const EXAMPLE = /```graphql\n([\s\S]+?)\n```$/

/** The example at the end of each operation's description, or an empty string. */
export function examples(schema: GraphQLSchema): Example[] {
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]
  return roots.flatMap(root =>
    Object.values(root?.getFields() ?? {}).map(({ name, description }) => ({
      coordinate: `${root?.name}.${name}`,
      text: EXAMPLE.exec(description ?? '')?.[1] ?? '',
    })),
  )
}
