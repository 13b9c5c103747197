import { type GraphQLSchema, isIntrospectionType } from 'graphql'
import { type ClassType, getMetadataStorage } from 'type-graphql'
import { SELF } from '../permissions/permissions.ts'
import { isStepUp } from './step-up.ts'

type Member = { target: unknown; methodName: string; schemaName: string }

/**
 * Refuses two operations or fields with the same name: TypeGraphQL would silently let the last one replace the first,
 * including its guard. Resolvers can't replace `builtInFields`, the fields of the built-in types, either.
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

/** Whether a class is one of the resolvers or a base class of one. */
function isPartOf(resolvers: readonly ClassType[], target: unknown): boolean {
  return resolvers.some(
    resolver => resolver === target || (typeof target === 'function' && resolver.prototype instanceof target),
  )
}

function nameOf(target: unknown): string {
  return (target as { name?: string }).name ?? 'a class'
}

/**
 * Refuses `@Authorized` with an undeclared permission. No role could grant it, so a misspelled name would lock everyone
 * out.
 * @throws Error naming the permission and the class or field that requires it
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
      `@Authorized at ${place} requires the undeclared permission "${unknown}". Add it to the permissions option, or correct its name.`,
    )
  }
}

/**
 * Refuses operations without a guard, which strangers could call, unless the program names them as `open`. The schema must
 * have been built, because a guard of the class counts for its operations from then on.
 * @throws Error naming the operation, or a name that is none of an operation without a guard
 */
export function requireGuards(resolvers: readonly ClassType[], open: readonly string[]): void {
  const { queries, mutations, subscriptions, middlewares } = getMetadataStorage()
  const unguarded = [...queries, ...mutations, ...subscriptions].filter(
    ({ target, methodName, roles }) =>
      isPartOf(resolvers, target) &&
      roles === undefined &&
      !middlewares.some(
        each => each.target === target && each.fieldName === methodName && each.middlewares.some(isStepUp),
      ),
  )
  for (const { target, methodName, schemaName } of unguarded) {
    if (open.includes(schemaName)) continue
    throw new Error(
      `${nameOf(target)}.${methodName} has no guard, so strangers could call it. Add @Authorized(), or "${schemaName}" to the publicOperations option.`,
    )
  }
  const unknown = open.find(name => !unguarded.some(({ schemaName }) => schemaName === name))
  if (unknown === undefined) return
  throw new Error(`publicOperations has "${unknown}", which is no operation of yours without a guard.`)
}

/**
 * Refuses subscriptions to topics, which need the `pubSub` option.
 * @throws Error naming the subscription
 */
export function requireNoTopics(resolvers: readonly ClassType[]): void {
  const { subscriptions } = getMetadataStorage()
  const found = subscriptions.find(
    ({ target, topics }) => topics !== undefined && isPartOf(resolvers, target),
  )
  if (!found) return
  throw new Error(
    `${nameOf(found.target)}.${found.methodName} subscribes to topics. Pass the pubSub option, or give it a subscribe function.`,
  )
}

/** Where every copy of class-validator stores the metadata of its decorators (its `MetadataStorage.js`). */
type Validators = {
  classValidatorMetadataStorage?: { validationMetadatas?: Map<unknown, { propertyName?: string }[]> }
}

/**
 * Refuses inputs with class-validator decorators. This server doesn't run them, so every value would silently pass. An
 * argument with its own `validate` option is allowed, because TypeGraphQL checks it.
 * @throws Error naming the class and the property
 */
export function requireNoIgnoredValidators(schema: GraphQLSchema, resolvers: readonly ClassType[]): void {
  const decorated = (globalThis as Validators).classValidatorMetadataStorage?.validationMetadatas
  if (!decorated?.size) return
  const { inputTypes, params } = getMetadataStorage()
  const inputs = params.flatMap(param =>
    (param.kind === 'arg' || param.kind === 'args') && isPartOf(resolvers, param.target) ? [param] : [],
  )
  const isChecked = ({ validateSettings, validateFn }: (typeof inputs)[number]) =>
    validateFn !== undefined || validateSettings !== undefined
  const checked = new Set<unknown>(inputs.filter(isChecked).map(({ getType }) => getType()))
  const inSchema = inputTypes.filter(({ name }) => schema.getType(name)).map(({ target }) => target)
  for (const input of new Set<unknown>([...inSchema, ...inputs.map(({ getType }) => getType())])) {
    if (checked.has(input) || typeof input !== 'function') continue
    for (const [target, rules] of decorated) {
      if (input !== target && !(typeof target === 'function' && input.prototype instanceof target)) continue
      throw new Error(
        `${nameOf(input)}.${rules[0]?.propertyName} has class-validator decorators, which Authograph does not run. Check the value in the resolver and throw badInput.`,
      )
    }
  }
}
