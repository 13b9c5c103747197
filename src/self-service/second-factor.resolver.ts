import { Arg, Authorized, Ctx, Extensions, Mutation, Resolver } from 'type-graphql'
import { toUser, UserType } from '../accounts/accounts.types.ts'
import type { Context } from '../context.ts'
import { withExample } from '../example.ts'
import { requireSecondFactor } from './require-second-factor.ts'

@Resolver()
export class SecondFactorResolver {
  @Authorized()
  @Extensions({ sensitive: true })
  @Mutation(() => UserType, {
    description: withExample(
      'Requires a second factor at every sign-in to your account, or no longer requires one. Turning it on takes a passkey, a security key or an authenticator app, and ends your other sessions. An authenticator app always requires a second factor.',
      'mutation RequireSecondFactor { requireSecondFactor(required: true) { id } }',
    ),
  })
  async requireSecondFactor(
    @Ctx() context: Context,
    @Arg('required', () => Boolean, { description: 'Whether every sign-in requires a second factor.' })
    required: boolean,
  ): Promise<UserType> {
    const { app, request } = context
    return toUser(await requireSecondFactor(app, required, await context.viewer(), request))
  }
}
