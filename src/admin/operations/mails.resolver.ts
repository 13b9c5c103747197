import { Arg, Args, Authorized, Ctx, Extensions, ID, Mutation, Query, Resolver } from 'type-graphql'
import type { Context } from '../../context.ts'
import { withExample } from '../../example.ts'
import { PageArgs } from '../../pagination.ts'
import { acting } from '../administer.ts'
import { addressHider } from './hide-addresses.ts'
import { failedMailPage, retryMail } from './mails.ts'
import { FailedMailConnection } from './mails.types.ts'

@Resolver()
export class MailsResolver {
  @Authorized('audit:read')
  @Query(() => FailedMailConnection, {
    description: withExample(
      'The mails that could not be sent and have been given up, the latest first.',
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
      'Puts a mail that failed back into the queue, unless what it says is no longer good.',
      'mutation RetryMail($id: ID!) { retryMail(id: $id) }',
    ),
  })
  async retryMail(
    @Ctx() context: Context,
    @Arg('id', () => ID, { description: 'The mail’s id, from `failedMails`.' }) id: string,
  ): Promise<boolean> {
    await retryMail(context.app, id, await acting(context, 'retryMail'))
    return true
  }
}
