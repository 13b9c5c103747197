import { GraphQLDateTime } from 'graphql-scalars'
import { Field, ID, Int, ObjectType } from 'type-graphql'
import { PageInfo } from '../../pagination.ts'

@ObjectType('FailedMail', { description: 'A mail that could not be sent, and that nobody tries any more.' })
export class FailedMailType {
  @Field(() => ID, { description: 'For `retryMail`.' })
  id!: string

  @Field(() => String, { description: 'What it says, such as reset-password.' })
  template!: string

  @Field(() => String, {
    description: 'The address that it was written to; `…@…` for readers without `users:read`.',
  })
  recipient!: string

  @Field(() => Int, { description: 'How often it was tried.' })
  attempts!: number

  @Field(() => String, { nullable: true, description: 'Why the last attempt failed.' })
  lastError!: string | null

  @Field(() => GraphQLDateTime, { description: 'When it was written.' })
  createdAt!: Date

  @Field(() => GraphQLDateTime, {
    nullable: true,
    description: 'From when on it is of no use, and is not sent again. Null where it always is.',
  })
  expiresAt!: Date | null
}

@ObjectType('FailedMailEdge', { description: 'A mail and its place in the list.' })
export class FailedMailEdge {
  @Field(() => String, { description: 'For `after` and `before`.' })
  cursor!: string

  @Field(() => FailedMailType, { description: 'The mail.' })
  node!: FailedMailType
}

@ObjectType('FailedMailConnection', { description: 'A page of the mails that failed, the latest first.' })
export class FailedMailConnection {
  @Field(() => [FailedMailEdge], { description: 'The mails with their cursors.' })
  edges!: FailedMailEdge[]

  @Field(() => [FailedMailType], { description: 'The mails.' })
  nodes!: FailedMailType[]

  @Field(() => PageInfo, { description: 'Whether there are more.' })
  pageInfo!: PageInfo

  @Field(() => Int, { description: 'How many have failed in all.' })
  totalCount!: () => Promise<number>
}
