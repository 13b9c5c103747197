import { Arg, Authorized, Ctx, Extensions, ID, Int, Mutation, Resolver } from 'type-graphql'
import { requireAccount } from '../../accounts/account.ts'
import { toUser, UserType } from '../../accounts/accounts.types.ts'
import type { Context } from '../../context.ts'
import { withExample } from '../../example.ts'
import { callerOf } from '../administer.ts'
import { setUserRoles } from '../roles/set-user-roles.ts'
import { deleteUser } from './delete-user.ts'
import { disableUser } from './disable-user.ts'
import { enableUser } from './enable-user.ts'
import { endEmailChangeUndo } from './end-email-undo.ts'
import { inviteUser } from './invite-user.ts'
import { revokeUserSessions } from './revoke-user-sessions.ts'
import { updateUser } from './update-user.ts'
import { InviteUserInput, UpdateUserInput } from './users.types.ts'

const ACCOUNT_ID = { description: 'The account’s ID.' }

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
      'Changes an account that has no permissions beyond yours. A new email address is unverified and receives a link to verify it; links sent earlier become invalid, and the old address is notified.',
      'mutation Update($id: ID!) { updateUser(id: $id, input: { displayName: "Grace Hopper", privateMetadata: { plan: "gold" } }) { id displayName email emailVerified publicMetadata privateMetadata } }',
    ),
  })
  async updateUser(
    @Ctx() context: Context,
    @Arg('id', () => ID, ACCOUNT_ID) id: string,
    @Arg('input', () => UpdateUserInput, { description: 'What to change.' }) input: UpdateUserInput,
  ): Promise<UserType> {
    await updateUser(context.app, id, input, await callerOf(context, 'updateUser'))
    return toUser(await requireAccount(context.app, id))
  }

  @Authorized('roles:write')
  @Mutation(() => UserType, {
    description: withExample(
      'Replaces the roles of an account, effective from its next request. You can only grant or revoke permissions that you hold, and the last administrator can’t be demoted.',
      'mutation SetUserRoles($id: ID!) { setUserRoles(id: $id, roles: ["user", "support"]) { id roles permissions } }',
    ),
  })
  async setUserRoles(
    @Ctx() context: Context,
    @Arg('id', () => ID, ACCOUNT_ID) id: string,
    @Arg('roles', () => [String], { description: 'The names of all the roles that the account should have.' })
    roles: string[],
  ): Promise<UserType> {
    await setUserRoles(context.app, id, roles, await callerOf(context, 'setUserRoles'))
    return toUser(await requireAccount(context.app, id))
  }

  @Authorized('users:write')
  @Extensions({ sensitive: true })
  @Mutation(() => UserType, {
    description: withExample(
      'Prevents an account from signing in, immediately ends its sessions and notifies its owner by email. You can’t disable your own account or the last administrator’s.',
      'mutation Disable($id: ID!) { disableUser(id: $id, reason: "Left the company") { id disabledAt } }',
    ),
  })
  async disableUser(
    @Ctx() context: Context,
    @Arg('id', () => ID, ACCOUNT_ID) id: string,
    @Arg('reason', () => String, {
      nullable: true,
      description: 'Recorded in the audit log and not shown to the owner. At most 500 characters.',
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

  @Authorized('users:write')
  @Mutation(() => Int, {
    description: withExample(
      'Immediately ends all sessions of an account and returns their number.',
      'mutation RevokeUser($id: ID!) { revokeUserSessions(id: $id) }',
    ),
  })
  async revokeUserSessions(
    @Ctx() context: Context,
    @Arg('id', () => ID, ACCOUNT_ID) id: string,
  ): Promise<number> {
    return revokeUserSessions(context.app, id, await callerOf(context, 'revokeUserSessions'))
  }

  @Authorized('self', 'users:write')
  @Extensions({ sensitive: true })
  @Mutation(() => UserType, {
    description: withExample(
      'Invalidates the links that restore a former email address of an account, which makes the address available again. For your own account, this requires a recent sign-in and fails with CONFLICT on the first day after a change, because a thief who knows the password could do the same. Administrators can invalidate them immediately.',
      'mutation EndUndo($id: ID!) { endEmailChangeUndo(id: $id) { id emailChangeUndoableUntil } }',
    ),
  })
  async endEmailChangeUndo(
    @Ctx() context: Context,
    @Arg('id', () => ID, ACCOUNT_ID) id: string,
  ): Promise<UserType> {
    await endEmailChangeUndo(context.app, id, await callerOf(context, 'endEmailChangeUndo'))
    return toUser(await requireAccount(context.app, id))
  }
}
