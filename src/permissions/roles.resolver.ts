import { Authorized, Ctx, Query, Resolver } from 'type-graphql'
import type { Context } from '../context.ts'
import { withExample } from '../example.ts'
import { allRoles } from './roles.ts'
import { RoleType } from './roles.types.ts'

@Resolver()
export class RolesResolver {
  @Authorized()
  @Query(() => [RoleType], {
    description: withExample(
      'All roles of this server, sorted by name.',
      'query Roles { roles { name description permissions builtIn secondFactorRequiredFrom } }',
    ),
  })
  roles(@Ctx() { app }: Context): Promise<RoleType[]> {
    return allRoles(app)
  }
}
