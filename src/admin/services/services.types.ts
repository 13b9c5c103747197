import { GraphQLDateTime } from 'graphql-scalars'
import { Field, ID, InputType, ObjectType } from 'type-graphql'
import type { ClientKey } from '../../oauth/client-keys.ts'
import type { Service } from '../../oauth/find-service-account.ts'

@ObjectType('ServiceAccount', {
  description: 'A program that authenticates as itself, at `/oauth/token`, and has roles like an account.',
})
export class ServiceAccountType {
  @Field(() => ID, { description: 'The ID, which is also the `client_id` and the `sub` of its tokens.' })
  id!: string

  @Field(() => String, { description: 'Its name, which no other service account has.' })
  name!: string

  @Field(() => [String], { description: 'The names of its roles, sorted.' })
  roles!: readonly string[]

  @Field(() => [String], { description: 'What its roles allow, sorted.' })
  permissions!: readonly string[]

  @Field(() => [String], {
    description:
      'What its tokens can be for, the default first. Only tokens for TOKEN_AUDIENCE can call this server.',
  })
  audiences!: readonly string[]

  @Field(() => Boolean, { description: 'Whether it authenticates with a secret rather than a key.' })
  hasSecret!: boolean

  @Field(() => GraphQLDateTime, {
    nullable: true,
    description: 'Until when the secret before is accepted too; null if only the current one is.',
  })
  previousSecretUntil!: Date | null

  @Field(() => [String], { description: 'The IDs (`kid`) of its public keys.' })
  keyIds!: readonly string[]

  @Field(() => GraphQLDateTime, { description: 'When it was created.' })
  createdAt!: Date

  @Field(() => GraphQLDateTime, {
    nullable: true,
    description: 'When it last received a token, to the minute; null if it never did.',
  })
  lastUsedAt!: Date | null
}

@ObjectType('ServiceAccountCreated', { description: 'A service account and its new secret.' })
export class ServiceAccountCreated {
  @Field(() => ServiceAccountType, { description: 'The service account.' })
  serviceAccount!: ServiceAccountType

  @Field(() => String, {
    nullable: true,
    description:
      'The secret, which the server cannot show again; null if the account authenticates with a key.',
  })
  secret!: string | null
}

const AUDIENCES =
  'What its tokens can be for, the default first: 1 to 20 values, each of 1 to 200 ASCII characters without spaces.'
const KEYS =
  'Its public keys, up to 5, each as PEM (SPKI) or as JWK: P-256, RSA of 2048 to 4096 bits or Ed25519. With keys, it has no secret.'

@InputType('ServiceAccountInput', { description: 'A new service account.' })
export class ServiceAccountInput {
  @Field(() => String, { description: 'A name of up to 100 characters, which no other service account has.' })
  name!: string

  @Field(() => [String], {
    nullable: true,
    description:
      'The names of its roles, none if omitted. You can only assign roles whose permissions you hold.',
  })
  roles?: string[] | null

  @Field(() => [String], { nullable: true, description: `${AUDIENCES} TOKEN_AUDIENCE if omitted.` })
  audiences?: string[] | null

  @Field(() => [String], { nullable: true, description: `${KEYS} If omitted, it receives a secret.` })
  publicKeys?: string[] | null
}

@InputType('UpdateServiceAccountInput', { description: 'What to change of a service account.' })
export class UpdateServiceAccountInput {
  @Field(() => String, { nullable: true, description: 'Its new name. Omit to keep it.' })
  name?: string | null

  @Field(() => [String], { nullable: true, description: 'All its roles. Omit to keep them.' })
  roles?: string[] | null

  @Field(() => [String], { nullable: true, description: `${AUDIENCES} Omit to keep them.` })
  audiences?: string[] | null

  @Field(() => [String], {
    nullable: true,
    description: `${KEYS} Replaces all keys. Omit to keep what it has.`,
  })
  publicKeys?: string[] | null

  @Field(() => [String], {
    nullable: true,
    description: 'Public keys to add to those that it has. Not together with `publicKeys`.',
  })
  addPublicKeys?: string[] | null

  @Field(() => [String], {
    nullable: true,
    description: 'The IDs of the keys to remove, from `keyIds`. Not together with `publicKeys`.',
  })
  removeKeyIds?: string[] | null
}

/** Never the row itself, which has hashes. */
export function toServiceAccount(
  {
    id,
    name,
    roles,
    permissions,
    audiences,
    secretHash,
    previousUntil,
    createdAt,
    lastUsedAt,
    ...service
  }: Service,
  now: Date,
): ServiceAccountType {
  return {
    id,
    name,
    roles,
    permissions,
    audiences,
    hasSecret: secretHash !== null,
    previousSecretUntil: previousUntil && previousUntil > now ? previousUntil : null,
    keyIds: service.publicKeys.map(({ kid }: ClientKey) => kid),
    createdAt,
    lastUsedAt,
  }
}
