import { GraphQLDateTime } from 'graphql-scalars'
import { Field, ID, InputType, Int, ObjectType } from 'type-graphql'
import { PageInfo } from '../pagination.ts'

@ObjectType('Webhook', { description: 'An address that receives events as they happen.' })
export class WebhookType {
  @Field(() => ID, { description: 'A UUID.' })
  id!: string

  @Field(() => String, { description: 'The address that events are posted to.' })
  url!: string

  @Field(() => [String], {
    description: 'The events, which are actions of the audit log; only `*` for every event.',
  })
  events!: string[]

  @Field(() => Boolean, {
    description: 'Whether events are queued and sent. What was queued before waits while it is false.',
  })
  enabled!: boolean

  @Field(() => GraphQLDateTime, { description: 'The time the webhook was created.' })
  createdAt!: Date
}

@ObjectType('WebhookCreated', { description: 'A webhook and its secret.' })
export class WebhookCreated {
  @Field(() => WebhookType, { description: 'The webhook.' })
  webhook!: WebhookType

  @Field(() => String, {
    description:
      'The secret that signs every message (Standard Webhooks). Store it: it is never shown again.',
  })
  secret!: string
}

@InputType('WebhookInput', { description: 'An address and the events that it receives.' })
export class WebhookInput {
  @Field(() => String, { description: 'An https address without a user name, password or fragment.' })
  url!: string

  @Field(() => [String], {
    description: 'Actions of the audit log, such as user.registered; only `*` for every event.',
  })
  events!: string[]

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: true,
    description: 'Whether events are queued and sent.',
  })
  enabled?: boolean | null
}

@ObjectType('WebhookDelivery', { description: 'An event on its way to a webhook.' })
export class WebhookDeliveryType {
  @Field(() => ID, { description: 'The `webhook-id` of the message, the same for every attempt.' })
  id!: string

  @Field(() => ID, { description: 'The ID of the webhook.' })
  webhookId!: string

  @Field(() => String, { description: 'The event, such as user.registered.' })
  event!: string

  @Field(() => Int, { description: 'The number of attempts so far.' })
  attempts!: number

  @Field(() => String, { nullable: true, description: 'Why the last attempt failed.' })
  lastError!: string | null

  @Field(() => GraphQLDateTime, { description: 'The time of the event.' })
  createdAt!: Date
}

@ObjectType('WebhookDeliveryEdge', { description: 'A delivery and its position in the list.' })
export class WebhookDeliveryEdge {
  @Field(() => String, { description: 'Pass this as `after` or `before`.' })
  cursor!: string

  @Field(() => WebhookDeliveryType, { description: 'The delivery.' })
  node!: WebhookDeliveryType
}

@ObjectType('WebhookDeliveryConnection', { description: 'A page of failed deliveries, newest first.' })
export class WebhookDeliveryConnection {
  @Field(() => [WebhookDeliveryEdge], { description: 'The deliveries with their cursors.' })
  edges!: WebhookDeliveryEdge[]

  @Field(() => [WebhookDeliveryType], { description: 'The deliveries.' })
  nodes!: WebhookDeliveryType[]

  @Field(() => PageInfo, { description: 'Whether there are more pages.' })
  pageInfo!: PageInfo

  @Field(() => Int, { description: 'The total number of failed deliveries.' })
  totalCount!: () => Promise<number>
}
