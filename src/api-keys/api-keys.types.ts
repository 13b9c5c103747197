import { GraphQLDateTime } from 'graphql-scalars'
import { Field, ID, InputType, ObjectType } from 'type-graphql'
import type { ApiKey } from '../generated/prisma/client.ts'
import { prefixOf } from './key.ts'

@ObjectType('ApiKey', { description: 'A secret with which a program acts as the account.' })
export class ApiKeyType {
  @Field(() => ID, { description: 'A UUID.' })
  id!: string

  @Field(() => String, { description: 'What the owner calls it.' })
  name!: string

  @Field(() => String, { description: 'How the key begins, to recognize it by, such as agk_1f6c20b9.' })
  prefix!: string

  @Field(() => [String], {
    description: 'The permissions it was given. At each request, those count that its owner still has.',
  })
  permissions!: readonly string[]

  @Field(() => GraphQLDateTime, { description: 'When it was created.' })
  createdAt!: Date

  @Field(() => GraphQLDateTime, {
    nullable: true,
    description: 'When it stops working; null if it doesn’t expire. Expired keys are deleted after 30 days.',
  })
  expiresAt!: Date | null

  @Field(() => GraphQLDateTime, {
    nullable: true,
    description: 'The latest use, to the minute; null if it was never used.',
  })
  lastUsedAt!: Date | null
}

/** The key as the API shows it. */
export function toApiKey({ id, name, permissions, createdAt, expiresAt, lastUsedAt }: ApiKey): ApiKeyType {
  const shown = { id, name, prefix: prefixOf(id), permissions, createdAt, expiresAt, lastUsedAt }
  return Object.assign(new ApiKeyType(), shown)
}

@ObjectType('ApiKeyCreated', { description: 'A new API key.' })
export class ApiKeyCreated {
  @Field(() => ApiKeyType, { description: 'The key.' })
  apiKey!: ApiKeyType

  @Field(() => String, {
    description: 'What the program sends as `Authorization: Bearer`. The server doesn’t show it again.',
  })
  secret!: string
}

@InputType('ApiKeyInput', { description: 'A new API key.' })
export class ApiKeyInput {
  @Field(() => String, { description: 'What to call it. At most 100 characters, on one line.' })
  name!: string

  @Field(() => [String], {
    description: 'Which of your permissions it has. Without any, it can do what needs none.',
  })
  permissions!: string[]

  @Field(() => GraphQLDateTime, { nullable: true, description: 'When it stops working. Default: never.' })
  expiresAt?: Date | null
}
