import type { GraphQLSchema } from 'graphql'
import { getMetadataStorage } from 'type-graphql'
import { UserType } from '../accounts/accounts.types.ts'

/** The built-in mutations that an administrator who acts as another user can call. */
const FOR_IMPERSONATORS = new Set(['updateProfile'])

/**
 * The guarded built-in operations that an API key can call, with the permission that each requires, and what a key reads of
 * its owner. No key protects, opens or closes an account's own doors: credentials, sessions, addresses, further keys, the
 * server's keys and the demand for a second factor. What a person's settings show of those, a key reads only with
 * `users:read`, as of any account.
 */
const FOR_API_KEYS = new Set([
  'Query.auditLog',
  'Query.failedMails',
  'Query.me',
  'Query.overview',
  'Query.providerToken',
  'Query.roles',
  'Query.user',
  'Query.users',
  'Mutation.createRole',
  'Mutation.deleteRole',
  'Mutation.deleteUser',
  'Mutation.disableUser',
  'Mutation.enableUser',
  'Mutation.inviteUser',
  'Mutation.resendInvitation',
  'Mutation.retryMail',
  'Mutation.revokeUserSession',
  'Mutation.revokeUserSessions',
  'Mutation.sendPasswordReset',
  'Mutation.setUserRoles',
  'Mutation.updateProfile',
  'Mutation.updateRole',
  'Mutation.updateUser',
  'User.email',
  'User.emailVerified',
  'User.impersonatedBy',
  'User.lastLoginAt',
  'User.locale',
  'User.passwordChangedAt',
  'User.permissions',
  'User.publicMetadata',
  'User.roles',
  'User.updatedAt',
])

/**
 * Marks what is reserved: `forOwnersOnly` refuses administrators who act as another user, `forSessionsOnly` refuses API
 * keys. Everything built in is reserved until someone decides otherwise. A program decides about its own: see
 * `viewer.impersonator` and `viewer.via`.
 */
export function reserve(
  schema: GraphQLSchema,
  builtIn: { resolvers: readonly unknown[]; userFields: ReadonlySet<string> },
): void {
  const { queries, mutations, subscriptions, fieldResolvers } = getMetadataStorage()
  const mark = (type: string, name: string, extensions: object) => {
    const parent = schema.getType(type)
    const field = parent && 'getFields' in parent ? parent.getFields()[name] : undefined
    if (field) field.extensions = { ...field.extensions, ...extensions }
  }
  const own = <Member extends { target: unknown }>(members: readonly Member[]) =>
    members.filter(({ target }) => builtIn.resolvers.includes(target))
  for (const { schemaName } of own(mutations))
    if (!FOR_IMPERSONATORS.has(schemaName)) mark('Mutation', schemaName, { forOwnersOnly: true })
  const members = [
    ...own(queries).map(({ schemaName }) => ['Query', schemaName] as const),
    ...own(mutations).map(({ schemaName }) => ['Mutation', schemaName] as const),
    ...own(subscriptions).map(({ schemaName }) => ['Subscription', schemaName] as const),
    ...own(fieldResolvers)
      .filter(({ getObjectType }) => getObjectType?.() === UserType)
      .map(({ schemaName }) => ['User', schemaName] as const),
    ...[...builtIn.userFields].map(name => ['User', name] as const),
  ]
  for (const [type, name] of members)
    if (!FOR_API_KEYS.has(`${type}.${name}`)) mark(type, name, { forSessionsOnly: true })
}
