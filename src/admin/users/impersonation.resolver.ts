import { Arg, Authorized, Ctx, Extensions, ID, Mutation, Resolver } from 'type-graphql'
import type { Context } from '../../context.ts'
import { withExample } from '../../example.ts'
import { IMPERSONATE } from '../../sessions/impersonation.ts'
import { AuthPayload } from '../../sessions/sessions.types.ts'
import { deliverAccessToken } from '../../sessions/token-transport.ts'
import { callerOf } from '../administer.ts'
import { impersonateUser } from './impersonate-user.ts'

@Resolver()
export class ImpersonationResolver {
  @Authorized(IMPERSONATE)
  @Extensions({ sensitive: true })
  @Mutation(() => AuthPayload, {
    description: withExample(
      'Starts a session in which you act as another user, to see what they see. It lasts 30 minutes, cannot be refreshed and ends with your own session. It cannot change credentials, delete the account or administer others. The audit log names both of you in everything you do, and the person sees the session. Requires a recent sign-in; the account must not have permissions beyond yours.',
      'mutation Impersonate($id: ID!) { impersonateUser(id: $id, reason: "Ticket 4711: the invoice page is empty") { accessToken accessTokenExpiresAt user { id displayName impersonatedBy { id } } session { id impersonated } } }',
    ),
  })
  async impersonateUser(
    @Ctx() context: Context,
    @Arg('id', () => ID, { description: 'The account’s ID.' }) id: string,
    @Arg('reason', () => String, {
      description: 'Why. Recorded in the audit log and not shown to the person. At most 500 characters.',
    })
    reason: string,
  ): Promise<AuthPayload> {
    const caller = await callerOf(context, 'impersonateUser')
    const tokens = await impersonateUser(context.app, id, reason, caller)
    return deliverAccessToken(context, tokens, caller.viewer.account)
  }
}
