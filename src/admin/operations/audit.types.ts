import { GraphQLDateTime } from 'graphql-scalars'
import { Field, ID, InputType, Int, ObjectType } from 'type-graphql'
import { UserType } from '../../accounts/accounts.types.ts'
import { PageInfo } from '../../pagination.ts'

@ObjectType('AuditEvent', { description: 'Something that happened to an account, a session or the server.' })
export class AuditEventType {
  @Field(() => ID, { description: 'A UUID; later events have greater ones.' })
  id!: string

  @Field(() => GraphQLDateTime, { description: 'When it happened.' })
  at!: Date

  @Field(() => String, { description: 'What happened, such as session.started or user.roles_changed.' })
  action!: string

  @Field(() => UserType, {
    nullable: true,
    description: 'Who did it; null for the system, an unknown caller or an account that is gone.',
  })
  actor!: UserType | null

  @Field(() => UserType, {
    nullable: true,
    description: 'Whom it was done to; null where that is nobody or gone.',
  })
  subject!: UserType | null

  @Field(() => String, { nullable: true, description: 'The address the request came from.' })
  ipAddress!: string | null

  @Field(() => String, { nullable: true, description: 'The User-Agent of the request.' })
  userAgent!: string | null

  @Field(() => String, {
    nullable: true,
    description:
      'More about it, as JSON text. Never a secret. Email addresses in it are for holders of `users:read` and appear as `…@…` to others.',
  })
  detail!: string | null
}

@ObjectType('AuditEventEdge', { description: 'An event and its place in the list.' })
export class AuditEventEdge {
  @Field(() => String, { description: 'For `after` and `before`.' })
  cursor!: string

  @Field(() => AuditEventType, { description: 'The event.' })
  node!: AuditEventType
}

@ObjectType('AuditEventConnection', { description: 'A page of the audit log, the latest events first.' })
export class AuditEventConnection {
  @Field(() => [AuditEventEdge], { description: 'The events with their cursors.' })
  edges!: AuditEventEdge[]

  @Field(() => [AuditEventType], { description: 'The events.' })
  nodes!: AuditEventType[]

  @Field(() => PageInfo, { description: 'Whether there are more.' })
  pageInfo!: PageInfo

  @Field(() => Int, {
    description:
      'How many events the filter selects in all: exact up to 10,000, beyond that an estimate to two digits. Takes time of its own; leave it out where nobody reads it.',
  })
  totalCount!: () => Promise<number>
}

@InputType('AuditFilter', { description: 'Which events; everything given must hold.' })
export class AuditFilter {
  @Field(() => String, { nullable: true, description: 'This action alone.' })
  action?: string | null

  @Field(() => ID, { nullable: true, description: 'Done by this account.' })
  actorId?: string | null

  @Field(() => ID, { nullable: true, description: 'Done to this account.' })
  subjectId?: string | null

  @Field(() => GraphQLDateTime, { nullable: true, description: 'Later than this.' })
  after?: Date | null

  @Field(() => GraphQLDateTime, { nullable: true, description: 'Earlier than this.' })
  before?: Date | null
}
