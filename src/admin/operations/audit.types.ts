import { GraphQLDateTime } from 'graphql-scalars'
import { Field, ID, InputType, Int, ObjectType } from 'type-graphql'
import { UserType } from '../../accounts/accounts.types.ts'
import { PageInfo } from '../../pagination.ts'

@ObjectType('AuditEvent', { description: 'An event that concerns an account, a session or the server.' })
export class AuditEventType {
  @Field(() => ID, { description: 'A UUID. Later events have greater UUIDs.' })
  id!: string

  @Field(() => GraphQLDateTime, { description: 'The time of the event.' })
  at!: Date

  @Field(() => String, { description: 'The kind of event, such as session.started or user.roles_changed.' })
  action!: string

  @Field(() => UserType, {
    nullable: true,
    description:
      'The account that caused the event; null for the system, an unknown caller or a deleted account.',
  })
  actor!: UserType | null

  @Field(() => String, {
    nullable: true,
    description:
      'The name of the service account that caused the event; null if another caused it or it was deleted.',
  })
  actorServiceAccount!: string | null

  @Field(() => UserType, {
    nullable: true,
    description: 'The account that the event concerns; null if there is none or it was deleted.',
  })
  subject!: UserType | null

  @Field(() => String, {
    nullable: true,
    description:
      'The name of the service account that the event concerns; null if there is none or it was deleted.',
  })
  subjectServiceAccount!: string | null

  @Field(() => String, { nullable: true, description: 'The IP address of the request.' })
  ipAddress!: string | null

  @Field(() => String, { nullable: true, description: 'The User-Agent of the request.' })
  userAgent!: string | null

  @Field(() => String, {
    nullable: true,
    description:
      'Details as JSON text, without secrets. Email addresses appear as `…@…` unless you have `users:read`.',
  })
  detail!: string | null
}

@ObjectType('AuditEventEdge', { description: 'An event and its position in the list.' })
export class AuditEventEdge {
  @Field(() => String, { description: 'Pass this as `after` or `before`.' })
  cursor!: string

  @Field(() => AuditEventType, { description: 'The event.' })
  node!: AuditEventType
}

@ObjectType('AuditEventConnection', { description: 'A page of the audit log, newest events first.' })
export class AuditEventConnection {
  @Field(() => [AuditEventEdge], { description: 'The events with their cursors.' })
  edges!: AuditEventEdge[]

  @Field(() => [AuditEventType], { description: 'The events.' })
  nodes!: AuditEventType[]

  @Field(() => PageInfo, { description: 'Whether there are more pages.' })
  pageInfo!: PageInfo

  @Field(() => Int, {
    description:
      'The number of events that match the filter: exact up to 10,000, beyond that an estimate to two significant digits. Counting takes extra time, so select this field only if you need it.',
  })
  totalCount!: () => Promise<number>
}

@InputType('AuditFilter', { description: 'Selects events that match all of the given conditions.' })
export class AuditFilter {
  @Field(() => String, { nullable: true, description: 'Only events with this action.' })
  action?: string | null

  @Field(() => ID, { nullable: true, description: 'Only events caused by this account.' })
  actorId?: string | null

  @Field(() => ID, { nullable: true, description: 'Only events that concern this account.' })
  subjectId?: string | null

  @Field(() => String, {
    nullable: true,
    description: 'Only events whose request came from this IPv4 or IPv6 address.',
  })
  ipAddress?: string | null

  @Field(() => GraphQLDateTime, { nullable: true, description: 'Only events after this time.' })
  after?: Date | null

  @Field(() => GraphQLDateTime, { nullable: true, description: 'Only events before this time.' })
  before?: Date | null
}
