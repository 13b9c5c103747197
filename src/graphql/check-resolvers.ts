import { type GraphQLSchema, isIntrospectionType } from 'graphql'
import { type ClassType, getMetadataStorage } from 'type-graphql'
import { SELF } from '../permissions/permissions.ts'

type Member = { target: unknown; methodName: string; schemaName: string }

/**
 * Refuses resolvers that would not do what they say: TypeGraphQL lets the last of two operations of one name replace
 * the first, guard included. `builtInFields` are those of the built-in types, which no resolver may replace either.
 * @throws Error naming the operation and both classes
 */
export function requireDistinctOperations(
  resolvers: readonly ClassType[],
  builtInFields: ReadonlyMap<unknown, ReadonlySet<string>>,
): void {
  const { queries, mutations, subscriptions, fieldResolvers, resolverClasses } = getMetadataStorage()
  for (const [kind, members] of Object.entries({
    Query: queries,
    Mutation: mutations,
    Subscription: subscriptions,
  }))
    requireDistinct(resolvers, members, () => kind)
  const external = fieldResolvers.filter(({ kind }) => kind === 'external')
  requireDistinct(resolvers, external, ({ target }) => nameOf(typeOf(target)))
  for (const { target, methodName, schemaName } of external) {
    if (!isPartOf(resolvers, target) || !builtInFields.get(typeOf(target))?.has(schemaName)) continue
    throw new Error(
      `${nameOf(target)}.${methodName} would replace the built-in field ${nameOf(typeOf(target))}.${schemaName}. Give it another name.`,
    )
  }

  function typeOf(target: unknown): unknown {
    return resolverClasses.find(resolver => resolver.target === target)?.getObjectType() ?? target
  }
}

function requireDistinct<Each extends Member>(
  resolvers: readonly ClassType[],
  members: readonly Each[],
  typeOf: (member: Each) => string,
): void {
  const owners = new Map<string, string>()
  for (const member of members) {
    if (!isPartOf(resolvers, member.target)) continue
    const field = `${typeOf(member)}.${member.schemaName}`
    const owner = `${nameOf(member.target)}.${member.methodName}`
    const other = owners.get(field)
    if (other) throw new Error(`${owner} and ${other} both define ${field}. Give one of them another name.`)
    owners.set(field, owner)
  }
}

/** Whether a class is one of the resolvers, or one that they extend. */
function isPartOf(resolvers: readonly ClassType[], target: unknown): boolean {
  return resolvers.some(
    resolver => resolver === target || (typeof target === 'function' && resolver.prototype instanceof target),
  )
}

function nameOf(target: unknown): string {
  return (target as { name?: string }).name ?? 'a class'
}

/**
 * Refuses `@Authorized` with a permission that no one declared, because no role could ever give it: a misspelled name
 * would lock everyone out.
 * @throws Error naming the permission and where it stands
 */
export function requireDeclared(
  schema: GraphQLSchema,
  resolvers: readonly ClassType[],
  declared: readonly string[],
): void {
  const { authorizedFields, authorizedResolver, objectTypes, interfaceTypes } = getMetadataStorage()
  const inSchema = new Set(
    Object.values(schema.getTypeMap())
      .filter(type => !isIntrospectionType(type))
      .map(({ name }) => name),
  )
  const types = [...objectTypes, ...interfaceTypes].filter(({ name }) => inSchema.has(name))
  const known = new Set([SELF, ...declared])
  for (const { target, roles, ...rest } of [...authorizedFields, ...authorizedResolver]) {
    if (!isPartOf(resolvers, target) && !types.some(type => type.target === target)) continue
    const unknown = (roles as string[]).find(role => !known.has(role))
    if (unknown === undefined) continue
    const place = 'fieldName' in rest ? `${nameOf(target)}.${String(rest.fieldName)}` : nameOf(target)
    throw new Error(
      `@Authorized at ${place} asks for the permission "${unknown}", which is not declared. Add it to the option permissions, or correct its name.`,
    )
  }
}

/** Where class-validator keeps what its decorators say, in any copy of it (its `MetadataStorage.js`). */
type Validators = {
  classValidatorMetadataStorage?: { validationMetadatas?: Map<unknown, { propertyName?: string }[]> }
}

/**
 * Refuses inputs with decorators of class-validator, which this server does not run: without a word, every value would
 * pass. An argument with a `validate` option of its own is checked by TypeGraphQL as that says.
 * @throws Error naming the class and the property
 */
export function requireNoIgnoredValidators(schema: GraphQLSchema, resolvers: readonly ClassType[]): void {
  const kept = (globalThis as Validators).classValidatorMetadataStorage?.validationMetadatas
  if (!kept?.size) return
  const { inputTypes, params } = getMetadataStorage()
  const given = params.flatMap(param =>
    (param.kind === 'arg' || param.kind === 'args') && isPartOf(resolvers, param.target) ? [param] : [],
  )
  const isChecked = ({ validateSettings, validateFn }: (typeof given)[number]) =>
    validateFn !== undefined || validateSettings !== undefined
  const checked = new Set<unknown>(given.filter(isChecked).map(({ getType }) => getType()))
  const inSchema = inputTypes.filter(({ name }) => schema.getType(name)).map(({ target }) => target)
  for (const input of new Set<unknown>([...inSchema, ...given.map(({ getType }) => getType())])) {
    if (checked.has(input) || typeof input !== 'function') continue
    for (const [target, rules] of kept) {
      if (input !== target && !(typeof target === 'function' && input.prototype instanceof target)) continue
      throw new Error(
        `${nameOf(input)}.${rules[0]?.propertyName} has decorators of class-validator, which Authograph does not run. Check the value in the resolver and throw badInput.`,
      )
    }
  }
}
