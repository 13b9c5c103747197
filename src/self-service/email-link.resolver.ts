import { Arg, Ctx, Query, Resolver } from 'type-graphql'
import type { Context } from '../context.ts'
import { withExample } from '../example.ts'
import { emailLink } from './email-link.ts'
import { EmailLink } from './email-link.types.ts'

@Resolver()
export class EmailLinkResolver {
  @Query(() => EmailLink, {
    description: withExample(
      'Says what the link in an email is for and whose account it belongs to, without using it up. Requires no sign-in. Fails with TOKEN_INVALID if the link has expired, was replaced or was used; a used verification link has `confirmed` instead.',
      'query Link($token: String!) { emailLink(token: $token) { purpose email displayName username invitedBy confirmed } }',
    ),
  })
  emailLink(
    @Ctx() { app, request }: Context,
    @Arg('token', () => String, { description: 'What follows `token=` in the link.' }) token: string,
  ): Promise<EmailLink> {
    return emailLink(app, token, request)
  }
}
