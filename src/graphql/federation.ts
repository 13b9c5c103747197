import { buildSubgraphSchema, printSubgraphSchema } from '@apollo/subgraph'
import {
  type DocumentNode,
  type GraphQLInterfaceType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  isInterfaceType,
  isObjectType,
  Kind,
  parse,
  visit,
} from 'graphql'
import { createResolversMap } from 'type-graphql'
import { findAccount } from '../accounts/account.ts'
import { toUser, type UserType } from '../accounts/accounts.types.ts'
import type { Context } from '../context.ts'
import { AuthError } from '../errors.ts'
import { perRequest } from '../per-request.ts'
import { authChecker } from './auth-checker.ts'
import { documentMeasure } from './document-size.ts'
import { queryTooComplex } from './limits.ts'
import type { Entities, Entity } from './subgraph.ts'

const LINK = parse(
  'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@shareable"])',
)

/** What makes the schema a subgraph of a supergraph (Apollo Federation 2). Other subgraphs have the same PageInfo. */
const DIRECTIVES = 'type User @key(fields: "id") type PageInfo @shareable'

/**
 * The schema as a subgraph: gateways can resolve a `User` by its ID for fields of other services. Every signed-in user can
 * look up accounts; the guards of their fields decide what they see. Guards, limits and costs are those of `schema`.
 */
export function createSubgraphSchema(schema: GraphQLSchema, entities: Entities = {}): GraphQLSchema {
  requireOwnTypes(schema, entities)
  const typeDefs = withDirectives(parse(printSubgraphSchema(schema)), entities)
  const references = {
    User: { __resolveReference: resolveUser },
    ...Object.fromEntries(
      Object.entries(entities).map(([name, entity]) => [name, { __resolveReference: resolverOf(entity) }]),
    ),
  }
  const subgraph = buildSubgraphSchema([
    { typeDefs, resolvers: createResolversMap(schema) as never },
    { typeDefs: LINK, resolvers: references as never },
  ])
  keepExtensions(schema, subgraph)
  const query = subgraph.getQueryType()
  if (query) {
    limitEntities(subgraph, query)
    hideService(query)
  }
  return subgraph
}

/** The text of the subgraph, for composition. */
export function printSubgraph(schema: GraphQLSchema): string {
  return `${printSubgraphSchema(createSubgraphSchema(schema))}\n`
}

/** @throws Error for a name that is no object type, or that is a type of Authograph */
function requireOwnTypes(schema: GraphQLSchema, entities: Entities): void {
  for (const name of Object.keys(entities)) {
    if (!isObjectType(schema.getType(name))) throw new Error(`entities: there is no object type ${name}.`)
    if (name === 'User' || name === 'PageInfo') throw new Error(`entities: ${name} is a type of Authograph.`)
  }
}

/** Guards look-ups as `@Authorized` guards operations. */
function resolverOf({ resolve, authorized = [], public: isPublic = false }: Entity): Entity['resolve'] {
  return async (reference, context, info) => {
    if (!isPublic) await authChecker({ root: undefined, args: {}, context, info }, [...authorized])
    return resolve(reference, context, info)
  }
}

/** Adds the directives to the types themselves. On extensions, they would not apply to the fields of the types. */
function withDirectives(document: DocumentNode, entities: Entities): DocumentNode {
  const own = Object.entries(entities).map(([name, { key }]) => {
    const keys = [key].flat().map(fields => `@key(fields: ${JSON.stringify(fields)})`)
    return `type ${name} ${keys.join(' ')}`
  })
  const added = new Map(
    parse([DIRECTIVES, ...own].join(' ')).definitions.flatMap(node =>
      node.kind === Kind.OBJECT_TYPE_DEFINITION ? [[node.name.value, node.directives] as const] : [],
    ),
  )
  return visit(document, {
    ObjectTypeDefinition: node => ({
      ...node,
      directives: [...(node.directives ?? []), ...(added.get(node.name.value) ?? [])],
    }),
  })
}

async function resolveUser(
  { id }: { id?: unknown },
  context: Context,
  info: GraphQLResolveInfo,
): Promise<UserType | null> {
  const { via } = await context.viewer()
  // A program can do what its permissions name, and nothing else.
  await authChecker(
    { root: undefined, args: {}, context, info },
    via.kind === 'session' ? [] : ['users:read'],
  )
  const account = typeof id === 'string' ? await findAccount(context.app, id) : undefined
  return account ? toUser(account) : null
}

/** Guards and limits read the extensions of fields, which the text of a schema does not have. */
function keepExtensions(from: GraphQLSchema, to: GraphQLSchema): void {
  for (const type of Object.values(from.getTypeMap())) {
    const copy = to.getType(type.name)
    if (!hasFields(type) || !hasFields(copy)) continue
    for (const [name, { extensions }] of Object.entries(type.getFields())) {
      const field = copy.getFields()[name]
      if (field) field.extensions = extensions
    }
  }
}

function hasFields(type: GraphQLNamedType | undefined): type is GraphQLObjectType | GraphQLInterfaceType {
  return isObjectType(type) || isInterfaceType(type)
}

/** What the look-ups of a request cost so far. */
const spent = perRequest(() => ({ cost: 0 }))

/**
 * Limits look-ups by the number of accounts that the gateway asks for. It is usually in a variable, whose value the rule
 * for documents does not know, so that rule counts a single one.
 */
function limitEntities(schema: GraphQLSchema, query: GraphQLObjectType): void {
  const field = query.getFields()._entities
  const resolve = field?.resolve
  if (!field || !resolve) return
  field.extensions = { ...field.extensions, listSize: { assumedSize: 1 } }
  field.resolve = (root, args: { representations: readonly unknown[] }, context: Context, info) => {
    const measure = documentMeasure(schema, name => info.fragments[name])
    const each = info.fieldNodes.map(({ selectionSet }) =>
      selectionSet ? measure(selectionSet, undefined).cost : 0,
    )
    const total = spent(context)
    total.cost += args.representations.length * (1 + each.reduce((sum, cost) => sum + cost, 0))
    const { cost } = context.app.requestLimits
    if (total.cost > cost) throw queryTooComplex(`it could return more than ${cost} objects`)
    return resolve(root, args, context, info)
  }
}

/** The text of the schema is as secret as introspection. Without it, compose from what `print-schema` prints. */
function hideService(query: GraphQLObjectType): void {
  const field = query.getFields()._service
  const resolve = field?.resolve
  if (!field || !resolve) return
  field.resolve = (root, args, context: Context, info) => {
    if (context.app.config.introspection) return resolve(root, args, context, info)
    throw new AuthError('BAD_USER_INPUT', { message: 'Introspection is disabled on this server.' })
  }
}
