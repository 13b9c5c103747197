import { GraphQLDateTime } from 'graphql-scalars'
import { Arg, Authorized, Ctx, Extensions, Mutation, Resolver } from 'type-graphql'
import type { Context } from '../../context.ts'
import { withExample } from '../../example.ts'
import { shownRole } from '../../permissions/roles.ts'
import { RoleType } from '../../permissions/roles.types.ts'
import { callerOf } from '../administer.ts'
import { createRole } from './create-role.ts'
import { deleteRole } from './delete-role.ts'
import { RoleInput } from './roles.types.ts'
import { setRoleSecondFactor } from './set-role-second-factor.ts'
import { updateRole } from './update-role.ts'

@Resolver()
export class RoleDefinitionsResolver {
  @Authorized('roles:write')
  @Extensions({ sensitive: true })
  @Mutation(() => RoleType, {
    description: withExample(
      'Creates a role with permissions that you hold.',
      'mutation CreateRole { createRole(input: { name: "clerk", description: "Looks up accounts.", permissions: ["users:read"] }) { name description permissions builtIn } }',
    ),
  })
  async createRole(
    @Ctx() context: Context,
    @Arg('input', () => RoleInput, { description: 'The role.' }) input: RoleInput,
  ): Promise<RoleType> {
    return createRole(context.app, input, await callerOf(context, 'createRole'))
  }

  @Authorized('roles:write')
  @Mutation(() => RoleType, {
    description: withExample(
      'Changes or renames a role. Accounts that have the role keep it. You can’t change built-in roles.',
      'mutation UpdateRole { updateRole(name: "clerk", input: { name: "registrar", permissions: ["users:read", "audit:read"] }) { name permissions } }',
    ),
  })
  async updateRole(
    @Ctx() context: Context,
    @Arg('name', () => String, { description: 'The role’s current name.' }) name: string,
    @Arg('input', () => RoleInput, { description: 'The updated role.' }) input: RoleInput,
  ): Promise<RoleType> {
    return updateRole(context.app, name, input, await callerOf(context, 'updateRole'))
  }

  @Authorized('roles:write')
  @Mutation(() => RoleType, {
    description: withExample(
      'Requires a second factor from everyone with the role, from a time on; null no longer requires one. Works for built-in roles too. From that time on, a sign-in without a second factor leads to its setup, and a weaker session can only read `me`, end, refresh, step up and add a factor. If you have the role, you need a second factor first; otherwise, this fails with CONFLICT.',
      'mutation RequireOfRole { setRoleSecondFactor(name: "support", requiredFrom: "2030-01-01T00:00:00Z") { name secondFactorRequiredFrom } }',
    ),
  })
  async setRoleSecondFactor(
    @Ctx() context: Context,
    @Arg('name', () => String, { description: 'The role’s name.' }) name: string,
    @Arg('requiredFrom', () => GraphQLDateTime, {
      nullable: true,
      description: 'When the requirement starts; a time in the past starts it immediately.',
    })
    requiredFrom?: Date | null,
  ): Promise<RoleType> {
    const { app } = context
    return shownRole(
      app,
      await setRoleSecondFactor(app, name, requiredFrom, await callerOf(context, 'setRoleSecondFactor')),
    )
  }

  @Authorized('roles:write')
  @Mutation(() => Boolean, {
    description: withExample(
      'Deletes a role that no account has. You can’t delete built-in roles.',
      'mutation DeleteRole { deleteRole(name: "registrar") }',
    ),
  })
  async deleteRole(
    @Ctx() context: Context,
    @Arg('name', () => String, { description: 'The role’s name.' }) name: string,
  ): Promise<boolean> {
    await deleteRole(context.app, name, await callerOf(context, 'deleteRole'))
    return true
  }
}
