import { type GraphQLSchema, getNamedType, isCompositeType } from 'graphql'

/** A call of an operation, such as `Mutation.login`, with arguments of the right types, for tests of who may call it. */
export function sampleCall(
  schema: GraphQLSchema,
  coordinate: string,
): { text: string; variables: Record<string, unknown> } {
  const [root = '', name = ''] = coordinate.split('.')
  const type = schema.getType(root)
  const field = type && 'getFields' in type ? type.getFields()[name] : undefined
  if (!field || !('args' in field)) throw new Error(`there is no ${coordinate}`)
  const declared = field.args.map(arg => `$${arg.name}: ${arg.type}`).join(', ')
  const passed = field.args.map(arg => `${arg.name}: $${arg.name}`).join(', ')
  const selection = isCompositeType(getNamedType(field.type)) ? '{ __typename }' : ''
  const head = `${root.toLowerCase()} ${declared && `(${declared})`}`
  return {
    text: `${head} { ${name}${passed && `(${passed})`} ${selection} }`,
    variables: Object.fromEntries(field.args.map(arg => [arg.name, sample(String(arg.type), arg.type)])),
  }
}

/** Any value of the type, which is never looked at. */
function sample(name: string, type: unknown): unknown {
  if (!name.endsWith('!')) return null
  if (name.startsWith('[')) return []
  if (/^(?:ID|String|DateTime)!/.test(name)) return '00000000-0000-7000-8000-000000000000'
  if (/^Boolean!/.test(name)) return true
  if (/^Int!/.test(name)) return 1
  const inner = (
    type as {
      ofType?: { getFields?: () => Record<string, { type: unknown }>; getValues?: () => { name: string }[] }
    }
  ).ofType
  if (inner?.getValues) return inner.getValues()[0]?.name
  const fields = inner?.getFields?.() ?? {}
  return Object.fromEntries(
    Object.entries(fields)
      .map(([field, { type: of }]) => [field, sample(String(of), of)] as const)
      .filter(([, value]) => value !== null),
  )
}
