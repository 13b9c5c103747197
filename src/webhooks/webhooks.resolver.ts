import { Arg, Args, Authorized, Ctx, Extensions, ID, Mutation, Query, Resolver } from 'type-graphql'
import { callerOf } from '../admin/administer.ts'
import type { Context } from '../context.ts'
import { withExample } from '../example.ts'
import { PageArgs } from '../pagination.ts'
import { failedDeliveryPage, retryDelivery } from './failed-deliveries.ts'
import { allWebhooks, createWebhook, deleteWebhook, rotateWebhookSecret, updateWebhook } from './manage.ts'
import {
  WebhookCreated,
  WebhookDeliveryConnection,
  WebhookDeliveryType,
  WebhookInput,
  WebhookType,
} from './webhooks.types.ts'

@Resolver()
export class WebhooksResolver {
  @Authorized('webhooks:write')
  @Query(() => [WebhookType], {
    description: withExample(
      'All webhooks, oldest first.',
      'query Webhooks { webhooks { id url events enabled createdAt } }',
    ),
  })
  webhooks(@Ctx() { app }: Context): Promise<WebhookType[]> {
    return allWebhooks(app)
  }

  @Authorized('webhooks:write')
  @Query(() => WebhookDeliveryConnection, {
    description: withExample(
      'Lists events that could not be delivered and will not be retried, newest first.',
      'query FailedDeliveries { failedWebhookDeliveries(first: 10) { totalCount pageInfo { hasNextPage endCursor } edges { cursor node { id } } nodes { id webhookId event attempts lastError createdAt } } }',
    ),
  })
  failedWebhookDeliveries(
    @Ctx() { app }: Context,
    @Args(() => PageArgs) args: PageArgs,
  ): Promise<WebhookDeliveryConnection> {
    return failedDeliveryPage(app, args)
  }

  @Authorized('webhooks:write')
  @Extensions({ sensitive: true })
  @Mutation(() => WebhookCreated, {
    description: withExample(
      'Creates a webhook and the secret that signs its messages. There can be 20 webhooks.',
      'mutation CreateWebhook { createWebhook(input: { url: "https://app.example.com/webhooks", events: ["user.registered", "user.deleted"] }) { webhook { id url events enabled } secret } }',
    ),
  })
  async createWebhook(
    @Ctx() context: Context,
    @Arg('input', () => WebhookInput, { description: 'The webhook.' }) input: WebhookInput,
  ): Promise<WebhookCreated> {
    return createWebhook(context.app, input, await callerOf(context, 'createWebhook'))
  }

  @Authorized('webhooks:write')
  @Extensions({ sensitive: true })
  @Mutation(() => WebhookType, {
    description: withExample(
      'Changes a webhook.',
      'mutation UpdateWebhook($id: ID!) { updateWebhook(id: $id, input: { url: "https://app.example.com/webhooks", events: ["*"], enabled: false }) { id events enabled } }',
    ),
  })
  async updateWebhook(
    @Ctx() context: Context,
    @Arg('id', () => ID, { description: 'The webhook’s ID.' }) id: string,
    @Arg('input', () => WebhookInput, { description: 'The updated webhook.' }) input: WebhookInput,
  ): Promise<WebhookType> {
    return updateWebhook(context.app, id, input, await callerOf(context, 'updateWebhook'))
  }

  @Authorized('webhooks:write')
  @Extensions({ sensitive: true })
  @Mutation(() => WebhookCreated, {
    description: withExample(
      'Creates a new secret for a webhook. For 24 hours, the former secret signs every message too.',
      'mutation RotateWebhookSecret($id: ID!) { rotateWebhookSecret(id: $id) { webhook { id } secret } }',
    ),
  })
  async rotateWebhookSecret(
    @Ctx() context: Context,
    @Arg('id', () => ID, { description: 'The webhook’s ID.' }) id: string,
  ): Promise<WebhookCreated> {
    return rotateWebhookSecret(context.app, id, await callerOf(context, 'rotateWebhookSecret'))
  }

  @Authorized('webhooks:write')
  @Mutation(() => Boolean, {
    description: withExample(
      'Deletes a webhook. What is queued for it is not sent.',
      'mutation DeleteWebhook($id: ID!) { deleteWebhook(id: $id) }',
    ),
  })
  async deleteWebhook(
    @Ctx() context: Context,
    @Arg('id', () => ID, { description: 'The webhook’s ID.' }) id: string,
  ): Promise<boolean> {
    await deleteWebhook(context.app, id, await callerOf(context, 'deleteWebhook'))
    return true
  }

  @Authorized('webhooks:write')
  @Extensions({ sensitive: true })
  @Mutation(() => WebhookDeliveryType, {
    description: withExample(
      'Queues a failed delivery again, with the same `webhook-id`.',
      'mutation RetryWebhookDelivery($id: ID!) { retryWebhookDelivery(id: $id) { id event attempts } }',
    ),
  })
  async retryWebhookDelivery(
    @Ctx() context: Context,
    @Arg('id', () => ID, { description: 'The delivery’s ID, from `failedWebhookDeliveries`.' }) id: string,
  ): Promise<WebhookDeliveryType> {
    return retryDelivery(context.app, id, await callerOf(context, 'retryWebhookDelivery'))
  }
}
