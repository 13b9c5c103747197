import { Authorized, Ctx, FieldResolver, Int, Resolver, Root } from 'type-graphql'
import { UserType } from '../../accounts/accounts.types.ts'
import type { Context } from '../../context.ts'
import { factorsOf } from './user-factors.ts'

@Resolver(() => UserType)
export class OwnFactorsResolver {
  @Authorized('self', 'users:read')
  @FieldResolver(() => Boolean, {
    description:
      'Whether signing in requires a second factor, because of its owner, an authenticator app or a role.',
  })
  async secondFactorRequired(@Root() { id }: UserType, @Ctx() { app }: Context): Promise<boolean> {
    return (await factorsOf(app, id)).secondFactorRequired
  }

  @Authorized('self', 'users:read')
  @FieldResolver(() => Boolean, { description: 'Whether the account has an authenticator app.' })
  async hasTotp(@Root() { id }: UserType, @Ctx() { app }: Context): Promise<boolean> {
    return (await factorsOf(app, id)).hasTotp
  }

  @Authorized('self', 'users:read')
  @FieldResolver(() => Int, { description: 'The number of unused recovery codes, up to 10.' })
  async recoveryCodesLeft(@Root() { id }: UserType, @Ctx() { app }: Context): Promise<number> {
    return (await factorsOf(app, id)).recoveryCodesLeft
  }
}
