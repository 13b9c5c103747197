import { GraphQLDateTime } from 'graphql-scalars'
import { Arg, Authorized, Ctx, Extensions, ID, Mutation, Resolver } from 'type-graphql'
import { requireAccount } from '../../accounts/account.ts'
import { toUser, UserType } from '../../accounts/accounts.types.ts'
import type { Context } from '../../context.ts'
import { withExample } from '../../example.ts'
import { callerOf } from '../administer.ts'
import { setUserRoles } from '../roles/set-user-roles.ts'
import { deleteUser } from './delete-user.ts'
import { disableUser } from './disable-user.ts'
import { enableUser } from './enable-user.ts'
import { inviteUser } from './invite-user.ts'
import { updateUser } from './update-user.ts'
import { InviteUserInput, UpdateUserInput } from './users.types.ts'

const ACCOUNT_ID = { description: 'The account’s ID.' }
const EXPECTED = {
  nullable: true,
  description:
    'The `updatedAt` that you last read. If the account has changed since, nothing changes, and the error CONFLICT has the current values in `extensions.current` (requires `users:read`).',
}

@Resolver()
export class UsersResolver {
  @Authorized('users:write')
  @Extensions({ sensitive: true })
  @Mutation(() => UserType, {
    description: withExample(
      'Creates an account and emails a link, valid for 7 days, to set its password with `resetPassword`. If the address belongs to an account that has no password yet, sends that account a new link and changes nothing else.',
      'mutation Invite { inviteUser(input: { email: "grace@example.com", displayName: "Grace", roles: ["user", "support"] }) { id email emailVerified roles } }',
    ),
  })
  async inviteUser(
    @Ctx() context: Context,
    @Arg('input', () => InviteUserInput, { description: 'The person to invite and their roles.' })
    input: InviteUserInput,
  ): Promise<UserType> {
    return toUser(await inviteUser(context.app, input, await callerOf(context, 'inviteUser')))
  }

  @Authorized('users:write')
  @Extensions({ sensitive: true })
  @Mutation(() => UserType, {
    description: withExample(
      'Changes an account that has no permissions beyond yours. A new email address is unverified and receives a link to verify it; links sent earlier become invalid, and the old address is notified. With `expectedUpdatedAt`, fails with CONFLICT instead of overwriting a newer change.',
      'mutation Update($id: ID!, $expectedUpdatedAt: DateTime) { updateUser(id: $id, input: { displayName: "Grace Hopper", emailVerified: true, privateMetadata: { plan: "gold" } }, expectedUpdatedAt: $expectedUpdatedAt) { id displayName email emailVerified invitedAt publicMetadata privateMetadata updatedAt } }',
    ),
  })
  async updateUser(
    @Ctx() context: Context,
    @Arg('id', () => ID, ACCOUNT_ID) id: string,
    @Arg('input', () => UpdateUserInput, { description: 'What to change.' }) input: UpdateUserInput,
    @Arg('expectedUpdatedAt', () => GraphQLDateTime, EXPECTED) expectedUpdatedAt?: Date | null,
  ): Promise<UserType> {
    await updateUser(context.app, id, input, await callerOf(context, 'updateUser'), expectedUpdatedAt)
    return toUser(await requireAccount(context.app, id))
  }

  @Authorized('roles:write')
  @Mutation(() => UserType, {
    description: withExample(
      'Replaces the roles of an account, effective from its next request. You can only grant or revoke permissions that you hold, and the last administrator can’t be demoted. With `expectedUpdatedAt`, fails with CONFLICT instead of overwriting a newer change.',
      'mutation SetUserRoles($id: ID!) { setUserRoles(id: $id, roles: ["user", "support"]) { id roles permissions } }',
    ),
  })
  async setUserRoles(
    @Ctx() context: Context,
    @Arg('id', () => ID, ACCOUNT_ID) id: string,
    @Arg('roles', () => [String], { description: 'The names of all the roles that the account should have.' })
    roles: string[],
    @Arg('expectedUpdatedAt', () => GraphQLDateTime, EXPECTED) expectedUpdatedAt?: Date | null,
  ): Promise<UserType> {
    await setUserRoles(context.app, id, roles, await callerOf(context, 'setUserRoles'), expectedUpdatedAt)
    return toUser(await requireAccount(context.app, id))
  }

  @Authorized('users:write')
  @Extensions({ sensitive: true })
  @Mutation(() => UserType, {
    description: withExample(
      'Prevents an account from signing in, immediately ends its sessions and notifies its owner by email. You can’t disable your own account or the last administrator’s.',
      'mutation Disable($id: ID!) { disableUser(id: $id, reason: "Left the company") { id disabledAt disabledReason } }',
    ),
  })
  async disableUser(
    @Ctx() context: Context,
    @Arg('id', () => ID, ACCOUNT_ID) id: string,
    @Arg('reason', () => String, {
      nullable: true,
      description:
        'Shown to administrators and recorded in the audit log, never shown to the owner. At most 500 characters.',
    })
    reason?: string | null,
  ): Promise<UserType> {
    await disableUser(context.app, id, reason, await callerOf(context, 'disableUser'))
    return toUser(await requireAccount(context.app, id))
  }

  @Authorized('users:write')
  @Mutation(() => UserType, {
    description: withExample(
      'Lets the owner of a disabled account sign in again.',
      'mutation Enable($id: ID!) { enableUser(id: $id) { id disabledAt } }',
    ),
  })
  async enableUser(@Ctx() context: Context, @Arg('id', () => ID, ACCOUNT_ID) id: string): Promise<UserType> {
    await enableUser(context.app, id, await callerOf(context, 'enableUser'))
    return toUser(await requireAccount(context.app, id))
  }

  @Authorized('users:delete')
  @Extensions({ sensitive: true })
  @Mutation(() => Boolean, {
    description: withExample(
      'Permanently deletes an account and everything that belongs to it, and confirms this to its owner by email. The audit log keeps its events without personal data. You can’t delete your own account this way, or the last administrator’s.',
      'mutation DeleteUser($id: ID!) { deleteUser(id: $id) }',
    ),
  })
  async deleteUser(@Ctx() context: Context, @Arg('id', () => ID, ACCOUNT_ID) id: string): Promise<boolean> {
    await deleteUser(context.app, id, await callerOf(context, 'deleteUser'))
    return true
  }
}
