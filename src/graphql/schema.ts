import 'reflect-metadata'
import { GraphQLEnumType, GraphQLSchema, lexicographicSortSchema, printSchema } from 'graphql'
import {
  buildSchemaSync,
  type ClassType,
  getMetadataStorage,
  type NonEmptyArray,
  type PubSub,
} from 'type-graphql'
import { UserType } from '../accounts/accounts.types.ts'
import { AuditResolver } from '../admin/operations/audit.resolver.ts'
import { KeysResolver } from '../admin/operations/keys.resolver.ts'
import { MailsResolver } from '../admin/operations/mails.resolver.ts'
import { OverviewResolver } from '../admin/overview/overview.resolver.ts'
import { RoleDefinitionsResolver } from '../admin/roles/roles.resolver.ts'
import { ServicesResolver } from '../admin/services/services.resolver.ts'
import { ImpersonationResolver } from '../admin/users/impersonation.resolver.ts'
import { ProviderTokenResolver } from '../admin/users/provider-token.resolver.ts'
import { UserAccessResolver } from '../admin/users/user-access.resolver.ts'
import { UserFactorsResolver } from '../admin/users/user-factors.resolver.ts'
import { UserListResolver } from '../admin/users/user-list.resolver.ts'
import { UsersResolver } from '../admin/users/users.resolver.ts'
import { ApiKeysResolver } from '../api-keys/api-keys.resolver.ts'
import { errorTable } from '../errors.ts'
import { RolesResolver } from '../permissions/roles.resolver.ts'
import { CheckPasswordResolver } from '../self-service/check-password.resolver.ts'
import { EmailLinkResolver } from '../self-service/email-link.resolver.ts'
import { EmailUndoResolver } from '../self-service/email-undo.resolver.ts'
import { FactorsResolver } from '../self-service/factors/factors.resolver.ts'
import { OwnFactorsResolver } from '../self-service/factors/user-factors.resolver.ts'
import { IdentitiesResolver } from '../self-service/identities/identities.resolver.ts'
import { LinkIdTokenResolver } from '../self-service/identities/link-id-token.resolver.ts'
import { UserIdentitiesResolver } from '../self-service/identities/user-identities.resolver.ts'
import { PasskeySuggestionResolver } from '../self-service/passkeys/passkey-suggestion.resolver.ts'
import { PasskeysResolver } from '../self-service/passkeys/passkeys.resolver.ts'
import { UserPasskeysResolver } from '../self-service/passkeys/user-passkeys.resolver.ts'
import { ProfileResolver } from '../self-service/profile.resolver.ts'
import { SecondFactorResolver } from '../self-service/second-factor.resolver.ts'
import { SecurityActivityResolver } from '../self-service/security-activity.resolver.ts'
import { SelfServiceResolver } from '../self-service/self-service.resolver.ts'
import { TrustedDevicesResolver } from '../self-service/trusted-devices.resolver.ts'
import { ImpersonatedByResolver } from '../sessions/impersonated-by.resolver.ts'
import { SessionsResolver } from '../sessions/sessions.resolver.ts'
import { UserSessionsResolver } from '../sessions/user-sessions.resolver.ts'
import { EmailLoginResolver } from '../sign-in/email-login.resolver.ts'
import { FactorRecoveryResolver } from '../sign-in/factor-recovery.resolver.ts'
import { IdTokenResolver } from '../sign-in/id-token.resolver.ts'
import { PasskeyLoginResolver } from '../sign-in/passkey-login.resolver.ts'
import { ProviderResolver } from '../sign-in/provider.resolver.ts'
import { ProviderLogoutResolver } from '../sign-in/provider-logout.resolver.ts'
import { SignInResolver } from '../sign-in/sign-in.resolver.ts'
import { WebhooksResolver } from '../webhooks/webhooks.resolver.ts'
import { authChecker } from './auth-checker.ts'
import {
  requireDeclared,
  requireDistinctOperations,
  requireNoIgnoredValidators,
  requireNoTopics,
} from './check-resolvers.ts'
import { proveKeys } from './prove-keys.ts'
import { reserve } from './reserve.ts'

const resolvers = [
  ProfileResolver,
  ApiKeysResolver,
  AuditResolver,
  CheckPasswordResolver,
  EmailLinkResolver,
  EmailUndoResolver,
  FactorsResolver,
  OwnFactorsResolver,
  KeysResolver,
  SecondFactorResolver,
  SelfServiceResolver,
  SecurityActivityResolver,
  RolesResolver,
  SessionsResolver,
  MailsResolver,
  OverviewResolver,
  RoleDefinitionsResolver,
  ServicesResolver,
  UserListResolver,
  UserFactorsResolver,
  ImpersonationResolver,
  UsersResolver,
  UserAccessResolver,
  ProviderTokenResolver,
  IdTokenResolver,
  ProviderLogoutResolver,
  LinkIdTokenResolver,
  UserSessionsResolver,
  ImpersonatedByResolver,
  SignInResolver,
  PasskeyLoginResolver,
  PasskeysResolver,
  PasskeySuggestionResolver,
  UserPasskeysResolver,
  UserIdentitiesResolver,
  IdentitiesResolver,
  EmailLoginResolver,
  ProviderResolver,
  TrustedDevicesResolver,
  FactorRecoveryResolver,
  WebhooksResolver,
] as const

const errorCode = new GraphQLEnumType({
  name: 'ErrorCode',
  description: 'The values of `extensions.code` in errors. They are stable, so clients can rely on them.',
  values: Object.fromEntries(
    Object.entries(errorTable).map(([code, { description }]) => [code, { description }]),
  ),
})

const rootDescriptions = {
  Query: 'Read operations.',
  Mutation: 'Write operations.',
  Subscription: 'Events, at /graphql/stream.',
}

/** The fields of the built-in types, before a program adds its own. */
const builtInFields = new Map<unknown, Set<string>>()
for (const { target, schemaName } of getMetadataStorage().fields)
  if (target === UserType) builtInFields.set(target, (builtInFields.get(target) ?? new Set()).add(schemaName))

/**
 * Builds the schema from the built-in resolvers and those of the embedding program. If `declared` lists all permissions,
 * every permission in `@Authorized` must be in the list. `pubSub` has the topics of subscriptions.
 * @throws Error if two operations or fields have the same name, a permission is undeclared, or an input has
 *   class-validator decorators, which the server doesn't run
 */
export function createSchema(
  extra: readonly ClassType[] = [],
  declared?: readonly string[],
  pubSub?: PubSub,
): GraphQLSchema {
  const all = [...resolvers, ...extra]
  requireDistinctOperations(all, builtInFields)
  if (!pubSub) requireNoTopics(extra)
  chooseFieldResolvers()
  const schema = buildSchemaSync({
    resolvers: all as unknown as NonEmptyArray<ClassType>,
    authChecker,
    // TypeGraphQL demands one for every subscription, also for those with a source of their own.
    pubSub: pubSub ?? { publish() {}, subscribe: async function* () {} },
    // Features check their own input, with messages that never repeat the value.
    validate: false,
    // The check introspects the whole schema, which takes a third of building it. It can only fail for new types.
    skipCheck: extra.length === 0,
  })
  requireNoIgnoredValidators(schema, all)
  reserve(schema, { resolvers, userFields: builtInFields.get(UserType) ?? new Set() })
  proveKeys(schema)
  if (declared) requireDeclared(schema, all, declared)
  for (const [name, description] of Object.entries(rootDescriptions)) {
    const type = schema.getType(name)
    if (type) type.description = description
  }
  const config = schema.toConfig()
  // No field returns an error code. The enum is in the schema so that clients can generate it.
  return new GraphQLSchema({ ...config, types: [...config.types, errorCode] })
}

let builtIn: GraphQLSchema | undefined

/** The schema of a program without resolvers of its own. Built once: it takes a fifth of a start. */
export function builtInSchema(): GraphQLSchema {
  builtIn ??= createSchema()
  return builtIn
}

/**
 * Reads unguarded fields directly from their object, which is twice as fast as TypeGraphQL's resolver. Fields that have
 * a guard, or whose class has one, keep the resolver: TypeGraphQL's `simpleResolvers` would drop the guard. So do fields
 * whose name in the schema differs from their property.
 */
function chooseFieldResolvers(): void {
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

/** The schema as text, sorted, so that it doesn't depend on the order of the code. */
export function schemaText(): string {
  return `${printSchema(lexicographicSortSchema(createSchema()))}\n`
}
