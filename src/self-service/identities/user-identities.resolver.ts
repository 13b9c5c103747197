import { Authorized, Ctx, FieldResolver, Resolver, Root } from 'type-graphql'
import { UserType } from '../../accounts/accounts.types.ts'
import { identitiesOf } from '../../accounts/identities.ts'
import { IdentityType, toIdentity } from '../../accounts/identities.types.ts'
import type { Context } from '../../context.ts'

@Resolver(() => UserType)
export class UserIdentitiesResolver {
  @Authorized('self', 'users:read')
  @FieldResolver(() => [IdentityType], {
    description: 'The accounts at providers that sign in to this account, the oldest first; at most 50.',
  })
  async identities(@Root() { id }: UserType, @Ctx() { app }: Context): Promise<IdentityType[]> {
    return (await identitiesOf(app, id)).map(toIdentity)
  }
}
