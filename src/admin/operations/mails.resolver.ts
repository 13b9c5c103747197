import { Arg, Args, Authorized, Ctx, Extensions, ID, Mutation, Query, Resolver } from 'type-graphql'
import type { Context } from '../../context.ts'
import { withExample } from '../../example.ts'
import { PageArgs } from '../../pagination.ts'
import { callerOf } from '../administer.ts'
import { addressHider } from './hide-addresses.ts'
import { failedMailPage, retryMail } from './mails.ts'
import { FailedMailConnection } from './mails.types.ts'

@Resolver()
export class MailsResolver {
  @Authorized('audit:read')
  @Query(() => FailedMailConnection, {
    description: withExample(
      'Lists emails that could not be sent and will not be retried, newest first.',
      'query FailedMails { failedMails(first: 10) { totalCount pageInfo { hasNextPage endCursor } edges { cursor node { id } } nodes { id template recipient attempts lastError createdAt expiresAt } } }',
    ),
  })
  async failedMails(
    @Ctx() { app, viewer }: Context,
    @Args(() => PageArgs) args: PageArgs,
  ): Promise<FailedMailConnection> {
    const { account } = await viewer()
    return failedMailPage(app, args, addressHider(account))
  }

  @Authorized('users:write')
  @Extensions({ sensitive: true })
  @Mutation(() => Boolean, {
    description: withExample(
      'Queues a failed email again, unless it has expired.',
      'mutation RetryMail($id: ID!) { retryMail(id: $id) }',
    ),
  })
  async retryMail(
    @Ctx() context: Context,
    @Arg('id', () => ID, { description: 'The email’s ID, from `failedMails`.' }) id: string,
  ): Promise<boolean> {
    await retryMail(context.app, id, await callerOf(context, 'retryMail'))
    return true
  }
}
