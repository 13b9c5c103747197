import { Arg, Authorized, Ctx, Extensions, ID, Mutation, Resolver } from 'type-graphql'
import { requireAccount } from '../../accounts/account.ts'
import { toUser, UserType } from '../../accounts/accounts.types.ts'
import type { Context } from '../../context.ts'
import { withExample } from '../../example.ts'
import { callerOf } from '../administer.ts'
import { resetUserFactors } from './reset-factors.ts'

@Resolver()
export class UserFactorsResolver {
  @Authorized('users:factors')
  @Extensions({ sensitive: true })
  @Mutation(() => UserType, {
    description: withExample(
      'Removes the authenticator app, the passkeys, the security keys, the recovery codes and the trusted devices of an account whose owner has lost them. Requires a recent sign-in with your own second factor. Ends the account’s sessions and notifies its owner, whose next sign-in must add a factor with a code sent to the address.',
      'mutation ResetFactors($id: ID!) { resetUserFactors(id: $id, reason: "Lost the phone; identity checked in person") { id } }',
    ),
  })
  async resetUserFactors(
    @Ctx() context: Context,
    @Arg('id', () => ID, { description: 'The account’s ID.' }) id: string,
    @Arg('reason', () => String, {
      description:
        'Why, and how you know who asked for it. Recorded in the audit log and not shown to the owner. At most 500 characters.',
    })
    reason: string,
  ): Promise<UserType> {
    await resetUserFactors(context.app, id, reason, await callerOf(context, 'resetUserFactors'))
    return toUser(await requireAccount(context.app, id))
  }
}
