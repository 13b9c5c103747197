import { GraphQLDateTime } from 'graphql-scalars'
import { Field, ID, Int, ObjectType } from 'type-graphql'
import { PageInfo } from '../../pagination.ts'

@ObjectType('FailedMail', {
  description: 'An email that could not be sent and will not be retried automatically.',
})
export class FailedMailType {
  @Field(() => ID, { description: 'Pass this to `retryMail`.' })
  id!: string

  @Field(() => String, { description: 'The template, such as reset-password.' })
  template!: string

  @Field(() => String, {
    description: 'The recipient’s address; `…@…` unless you have `users:read`.',
  })
  recipient!: string

  @Field(() => Int, { description: 'The number of attempts to send it.' })
  attempts!: number

  @Field(() => String, { nullable: true, description: 'Why the last attempt failed.' })
  lastError!: string | null

  @Field(() => GraphQLDateTime, { description: 'The time the email was created.' })
  createdAt!: Date

  @Field(() => GraphQLDateTime, {
    nullable: true,
    description: 'The time from which the email is useless and can’t be retried. Null if it never expires.',
  })
  expiresAt!: Date | null
}

@ObjectType('FailedMailEdge', { description: 'An email and its position in the list.' })
export class FailedMailEdge {
  @Field(() => String, { description: 'Pass this as `after` or `before`.' })
  cursor!: string

  @Field(() => FailedMailType, { description: 'The email.' })
  node!: FailedMailType
}

@ObjectType('FailedMailConnection', { description: 'A page of failed emails, newest first.' })
export class FailedMailConnection {
  @Field(() => [FailedMailEdge], { description: 'The emails with their cursors.' })
  edges!: FailedMailEdge[]

  @Field(() => [FailedMailType], { description: 'The emails.' })
  nodes!: FailedMailType[]

  @Field(() => PageInfo, { description: 'Whether there are more pages.' })
  pageInfo!: PageInfo

  @Field(() => Int, { description: 'The total number of failed emails.' })
  totalCount!: () => Promise<number>
}
