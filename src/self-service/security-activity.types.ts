import { GraphQLDateTime } from 'graphql-scalars'
import { Field, ID, ObjectType, registerEnumType } from 'type-graphql'
import { PageInfo } from '../pagination.ts'
import { SessionType } from '../sessions/sessions.types.ts'

export enum SecurityEventActor {
  OWNER = 'OWNER',
  ADMINISTRATOR = 'ADMINISTRATOR',
  UNKNOWN = 'UNKNOWN',
}

registerEnumType(SecurityEventActor, {
  name: 'SecurityEventActor',
  description: 'Who caused an event.',
  valuesConfig: {
    OWNER: { description: 'Someone who was signed in to the account or had a link from its mailbox.' },
    ADMINISTRATOR: { description: 'An administrator.' },
    UNKNOWN: { description: 'The server, or someone who was not signed in.' },
  },
})

@ObjectType('SecurityEvent', { description: 'An event that concerns the security of your account.' })
export class SecurityEventType {
  @Field(() => ID, { description: 'A UUID.' })
  id!: string

  @Field(() => GraphQLDateTime, { description: 'The time of the event.' })
  at!: Date

  @Field(() => String, { description: 'The kind of event, as in the audit log, such as session.started.' })
  action!: string

  @Field(() => SecurityEventActor, { description: 'Who caused it.' })
  actor!: SecurityEventActor

  @Field(() => String, {
    nullable: true,
    description: 'The IP address that the request came from; null for the server and for administrators.',
  })
  ipAddress!: string | null

  @Field(() => String, {
    nullable: true,
    description: 'The `User-Agent` header of the request; null for the server and for administrators.',
  })
  userAgent!: string | null

  @Field(() => String, {
    nullable: true,
    description: 'The device, as its user agent names it, such as Firefox on Linux.',
  })
  deviceName!: string | null

  @Field(() => SessionType, {
    nullable: true,
    description: 'The session that the event names; null if there is none or it has ended.',
  })
  session!: SessionType | null
}

@ObjectType('SecurityEventEdge', { description: 'An event and its position in the list.' })
export class SecurityEventEdge {
  @Field(() => String, { description: 'Pass this as `after` or `before`.' })
  cursor!: string

  @Field(() => SecurityEventType, { description: 'The event.' })
  node!: SecurityEventType
}

@ObjectType('SecurityEventConnection', { description: 'A page of events, newest first.' })
export class SecurityEventConnection {
  @Field(() => [SecurityEventEdge], { description: 'The events with their cursors.' })
  edges!: SecurityEventEdge[]

  @Field(() => [SecurityEventType], { description: 'The events.' })
  nodes!: SecurityEventType[]

  @Field(() => PageInfo, { description: 'Whether there are more pages.' })
  pageInfo!: PageInfo
}
