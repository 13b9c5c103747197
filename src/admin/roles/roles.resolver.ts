import { Arg, Authorized, Ctx, Extensions, Mutation, Resolver } from 'type-graphql'
import type { Context } from '../../context.ts'
import { withExample } from '../../example.ts'
import { RoleType } from '../../permissions/roles.types.ts'
import { acting } from '../administer.ts'
import { createRole, deleteRole, updateRole } from './roles.ts'
import { RoleInput } from './roles.types.ts'

@Resolver()
export class RoleDefinitionsResolver {
  @Authorized('roles:write')
  @Extensions({ sensitive: true })
  @Mutation(() => RoleType, {
    description: withExample(
      'Makes a role, of permissions that one holds oneself.',
      'mutation CreateRole { createRole(input: { name: "clerk", description: "Looks accounts up.", permissions: ["users:read"] }) { name description permissions builtIn } }',
    ),
  })
  async createRole(
    @Ctx() context: Context,
    @Arg('input', () => RoleInput, { description: 'The role.' }) input: RoleInput,
  ): Promise<RoleType> {
    return createRole(context.app, input, await acting(context, 'createRole'))
  }

  @Authorized('roles:write')
  @Mutation(() => RoleType, {
    description: withExample(
      'Changes a role, or gives it another name; whoever has it keeps it. Built-in roles stay as they are.',
      'mutation UpdateRole { updateRole(name: "clerk", input: { name: "registrar", permissions: ["users:read", "audit:read"] }) { name permissions } }',
    ),
  })
  async updateRole(
    @Ctx() context: Context,
    @Arg('name', () => String, { description: 'What it is called so far.' }) name: string,
    @Arg('input', () => RoleInput, { description: 'The role as it shall be.' }) input: RoleInput,
  ): Promise<RoleType> {
    return updateRole(context.app, name, input, await acting(context, 'updateRole'))
  }

  @Authorized('roles:write')
  @Mutation(() => Boolean, {
    description: withExample(
      'Deletes a role that no account has. Built-in roles stay.',
      'mutation DeleteRole { deleteRole(name: "registrar") }',
    ),
  })
  async deleteRole(
    @Ctx() context: Context,
    @Arg('name', () => String, { description: 'What it is called.' }) name: string,
  ): Promise<boolean> {
    await deleteRole(context.app, name, await acting(context, 'deleteRole'))
    return true
  }
}
