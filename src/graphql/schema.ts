import 'reflect-metadata'
import { GraphQLEnumType, GraphQLSchema, lexicographicSortSchema, printSchema } from 'graphql'
import { buildSchemaSync, type ClassType, getMetadataStorage, type NonEmptyArray } from 'type-graphql'
import { UserType } from '../accounts/accounts.types.ts'
import { AuditResolver } from '../admin/operations/audit.resolver.ts'
import { KeysResolver } from '../admin/operations/keys.resolver.ts'
import { MailsResolver } from '../admin/operations/mails.resolver.ts'
import { RoleDefinitionsResolver } from '../admin/roles/roles.resolver.ts'
import { UserListResolver } from '../admin/users/user-list.resolver.ts'
import { UsersResolver } from '../admin/users/users.resolver.ts'
import { errorTable } from '../errors.ts'
import { RolesResolver } from '../permissions/roles.resolver.ts'
import { EmailUndoResolver } from '../self-service/email-undo.resolver.ts'
import { ProfileResolver } from '../self-service/profile.resolver.ts'
import { SelfServiceResolver } from '../self-service/self-service.resolver.ts'
import { SessionsResolver } from '../sessions/sessions.resolver.ts'
import { UserSessionsResolver } from '../sessions/user-sessions.resolver.ts'
import { SignInResolver } from '../sign-in/sign-in.resolver.ts'
import { authChecker } from './auth-checker.ts'
import { requireDeclared, requireDistinctOperations, requireNoIgnoredValidators } from './check-resolvers.ts'

const resolvers = [
  ProfileResolver,
  AuditResolver,
  EmailUndoResolver,
  KeysResolver,
  SelfServiceResolver,
  RolesResolver,
  SessionsResolver,
  MailsResolver,
  RoleDefinitionsResolver,
  UserListResolver,
  UsersResolver,
  UserSessionsResolver,
  SignInResolver,
] as const

const errorCode = new GraphQLEnumType({
  name: 'ErrorCode',
  description: 'Every value that `extensions.code` of an error can take. Stable: clients switch on it.',
  values: Object.fromEntries(
    Object.entries(errorTable).map(([code, { description }]) => [code, { description }]),
  ),
})

const rootDescriptions = { Query: 'What can be asked for.', Mutation: 'What can be done.' }

/** The fields of the built-in types, as they are before a program adds its own. */
const builtInFields = new Map<unknown, Set<string>>()
for (const { target, schemaName } of getMetadataStorage().fields)
  if (target === UserType) builtInFields.set(target, (builtInFields.get(target) ?? new Set()).add(schemaName))

/**
 * The schema, with the resolvers of the embedding program beside the built-in ones. With `declared`, all permissions
 * that there are, those that `@Authorized` names are held against it.
 * @throws Error for two operations or fields of one name, for a permission that is not declared, and for decorators of
 *   class-validator, which are not run
 */
export function createSchema(extra: readonly ClassType[] = [], declared?: readonly string[]): GraphQLSchema {
  const all = [...resolvers, ...extra]
  requireDistinctOperations(all, builtInFields)
  decideResolvers()
  const schema = buildSchemaSync({
    resolvers: all as unknown as NonEmptyArray<ClassType>,
    authChecker,
    // Features check their own input, with messages that never repeat it.
    validate: false,
  })
  requireNoIgnoredValidators(schema, all)
  if (declared) requireDeclared(schema, all, declared)
  for (const [name, description] of Object.entries(rootDescriptions)) {
    const type = schema.getType(name)
    if (type) type.description = description
  }
  const config = schema.toConfig()
  // No field returns the codes: they are in the schema for clients to generate from.
  return new GraphQLSchema({ ...config, types: [...config.types, errorCode] })
}

/**
 * A field that nothing guards is read from its object directly, which is twice as fast as by TypeGraphQL's
 * resolver. One that is guarded, by itself or with its whole class, never is: with TypeGraphQL's own
 * `simpleResolvers` it would lose its guard. Nor is one that its object knows by another name.
 */
function decideResolvers(): void {
  const { fields, authorizedFields, authorizedResolver, middlewares, resolverMiddlewares } =
    getMetadataStorage()
  const wrapped = [...authorizedFields, ...middlewares]
  const wrappedClasses = new Set([...authorizedResolver, ...resolverMiddlewares].map(({ target }) => target))
  for (const field of fields) {
    field.simple =
      field.name === field.schemaName &&
      !wrappedClasses.has(field.target) &&
      !wrapped.some(({ target, fieldName }) => target === field.target && fieldName === field.name)
  }
}

/** The schema as text, in an order that does not depend on the order of the code. */
export function schemaText(): string {
  return `${printSchema(lexicographicSortSchema(createSchema()))}\n`
}
