import { Arg, Args, Authorized, Ctx, Query, Resolver } from 'type-graphql'
import { toUser } from '../../accounts/accounts.types.ts'
import type { Context } from '../../context.ts'
import { withExample } from '../../example.ts'
import { PageArgs } from '../../pagination.ts'
import { recordExport } from '../record-export.ts'
import { userPage } from './user-list.ts'
import { UserConnection, UserFilter, UserOrderInput } from './user-list.types.ts'

@Resolver()
export class UserListResolver {
  @Authorized('users:read')
  @Query(() => UserConnection, {
    description: withExample(
      'Lists accounts, newest first by default.',
      'query Users { users(first: 10, filter: { search: "ada", disabled: false }, orderBy: { field: EMAIL, direction: ASC }) { totalCount pageInfo { hasNextPage endCursor } edges { cursor node { id } } nodes { id email username displayName roles lastLoginAt } } }',
    ),
  })
  async users(
    @Ctx() { app, viewer, request }: Context,
    @Args(() => PageArgs) args: PageArgs,
    @Arg('filter', () => UserFilter, { nullable: true, description: 'Omit to return all accounts.' })
    filter?: UserFilter | null,
    @Arg('orderBy', () => UserOrderInput, {
      nullable: true,
      description: 'Omit to sort by creation time, newest first.',
    })
    orderBy?: UserOrderInput | null,
    @Arg('export', () => Boolean, {
      nullable: true,
      description: 'Set it for the first page of an export, so that the audit log has the export.',
    })
    exported?: boolean | null,
  ): Promise<UserConnection> {
    const order = orderBy ?? { field: 'CREATED_AT', direction: 'DESC' }
    const { edges, ...connection } = await userPage(app, filter ?? {}, order, args)
    if (exported) await recordExport(app, 'users.exported', filter ?? {}, { viewer: await viewer(), request })
    const users = edges.map(({ cursor, node }) => ({ cursor, node: toUser(node) }))
    return { ...connection, edges: users, nodes: users.map(({ node }) => node) }
  }
}
