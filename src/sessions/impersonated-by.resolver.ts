import { Authorized, Ctx, FieldResolver, Resolver, Root } from 'type-graphql'
import { toUser, UserType } from '../accounts/accounts.types.ts'
import type { Context } from '../context.ts'

@Resolver(() => UserType)
export class ImpersonatedByResolver {
  @Authorized('self', 'users:read')
  @FieldResolver(() => UserType, {
    nullable: true,
    description: 'The administrator who acts as you in this session; null in your own sessions.',
  })
  async impersonatedBy(@Root() user: UserType, @Ctx() context: Context): Promise<UserType | null> {
    if (user.impersonator) return toUser(user.impersonator)
    if (context.isRevealed(user)) return null
    const { account, impersonator } = await context.viewer()
    return impersonator && account.id === user.id ? toUser(impersonator) : null
  }
}
