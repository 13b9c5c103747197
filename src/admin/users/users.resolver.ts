import { Arg, Authorized, Ctx, Extensions, ID, Int, Mutation, Resolver } from 'type-graphql'
import { requireAccount } from '../../accounts/account.ts'
import { toUser, UserType } from '../../accounts/accounts.types.ts'
import type { Context } from '../../context.ts'
import { withExample } from '../../example.ts'
import { acting } from '../administer.ts'
import { setUserRoles } from '../roles/set-user-roles.ts'
import { deleteUser, disableUser, enableUser, revokeUserSessions } from './disable-user.ts'
import { endEmailChangeUndo } from './end-email-undo.ts'
import { inviteUser } from './invite-user.ts'
import { updateUser } from './update-user.ts'
import { InviteUserInput, UpdateUserInput } from './users.types.ts'

const ACCOUNT_ID = { description: 'The account’s id.' }

@Resolver()
export class UsersResolver {
  @Authorized('users:write')
  @Extensions({ sensitive: true })
  @Mutation(() => UserType, {
    description: withExample(
      'Makes an account and mails a link, good for 7 days, to set its password by `resetPassword`. An address whose account has no password yet is sent a new link instead, and that account stays as it is.',
      'mutation Invite { inviteUser(input: { email: "grace@example.com", displayName: "Grace", roles: ["user", "support"] }) { id email emailVerified roles } }',
    ),
  })
  async inviteUser(
    @Ctx() context: Context,
    @Arg('input', () => InviteUserInput, { description: 'Who, and with which roles.' })
    input: InviteUserInput,
  ): Promise<UserType> {
    return toUser(await inviteUser(context.app, input, await acting(context, 'inviteUser')))
  }

  @Authorized('users:write')
  @Extensions({ sensitive: true })
  @Mutation(() => UserType, {
    description: withExample(
      'Changes an account that holds no permission beyond one’s own. Another e-mail address counts as unverified and is sent a link; links mailed before end, and the old address is told.',
      'mutation Update($id: ID!) { updateUser(id: $id, input: { displayName: "Grace Hopper", privateMetadata: { plan: "gold" } }) { id displayName email emailVerified publicMetadata privateMetadata } }',
    ),
  })
  async updateUser(
    @Ctx() context: Context,
    @Arg('id', () => ID, ACCOUNT_ID) id: string,
    @Arg('input', () => UpdateUserInput, { description: 'What to change.' }) input: UpdateUserInput,
  ): Promise<UserType> {
    await updateUser(context.app, id, input, await acting(context, 'updateUser'))
    return toUser(await requireAccount(context.app, id))
  }

  @Authorized('roles:write')
  @Mutation(() => UserType, {
    description: withExample(
      'Replaces the roles of an account; it counts from the account’s very next request. Nobody gives or takes permissions that they do not hold, and the last administrator stays one.',
      'mutation SetUserRoles($id: ID!) { setUserRoles(id: $id, roles: ["user", "support"]) { id roles permissions } }',
    ),
  })
  async setUserRoles(
    @Ctx() context: Context,
    @Arg('id', () => ID, ACCOUNT_ID) id: string,
    @Arg('roles', () => [String], { description: 'The names of all the roles it shall have.' })
    roles: string[],
  ): Promise<UserType> {
    await setUserRoles(context.app, id, roles, await acting(context, 'setUserRoles'))
    return toUser(await requireAccount(context.app, id))
  }

  @Authorized('users:write')
  @Extensions({ sensitive: true })
  @Mutation(() => UserType, {
    description: withExample(
      'Keeps an account from signing in, ends its sessions at once and tells its owner by mail. Not one’s own, and not the last administrator’s.',
      'mutation Disable($id: ID!) { disableUser(id: $id, reason: "Left the company") { id disabledAt } }',
    ),
  })
  async disableUser(
    @Ctx() context: Context,
    @Arg('id', () => ID, ACCOUNT_ID) id: string,
    @Arg('reason', () => String, {
      nullable: true,
      description: 'For the audit log; the owner is not told. At most 500 characters.',
    })
    reason?: string | null,
  ): Promise<UserType> {
    await disableUser(context.app, id, reason, await acting(context, 'disableUser'))
    return toUser(await requireAccount(context.app, id))
  }

  @Authorized('users:write')
  @Mutation(() => UserType, {
    description: withExample(
      'Lets a disabled account sign in again.',
      'mutation Enable($id: ID!) { enableUser(id: $id) { id disabledAt } }',
    ),
  })
  async enableUser(@Ctx() context: Context, @Arg('id', () => ID, ACCOUNT_ID) id: string): Promise<UserType> {
    await enableUser(context.app, id, await acting(context, 'enableUser'))
    return toUser(await requireAccount(context.app, id))
  }

  @Authorized('users:delete')
  @Extensions({ sensitive: true })
  @Mutation(() => Boolean, {
    description: withExample(
      'Deletes an account and everything that belongs to it, for good, and says good-bye by mail. The audit log keeps what happened, without personal data. Not one’s own, and not the last administrator’s.',
      'mutation DeleteUser($id: ID!) { deleteUser(id: $id) }',
    ),
  })
  async deleteUser(@Ctx() context: Context, @Arg('id', () => ID, ACCOUNT_ID) id: string): Promise<boolean> {
    await deleteUser(context.app, id, await acting(context, 'deleteUser'))
    return true
  }

  @Authorized('users:write')
  @Mutation(() => Int, {
    description: withExample(
      'Ends all sessions of an account at once, and says how many.',
      'mutation RevokeUser($id: ID!) { revokeUserSessions(id: $id) }',
    ),
  })
  async revokeUserSessions(
    @Ctx() context: Context,
    @Arg('id', () => ID, ACCOUNT_ID) id: string,
  ): Promise<number> {
    return revokeUserSessions(context.app, id, await acting(context, 'revokeUserSessions'))
  }

  @Authorized('self', 'users:write')
  @Extensions({ sensitive: true })
  @Mutation(() => UserType, {
    description: withExample(
      'Ends the links that take back a former e-mail address of an account, so that the address is free again. On your own account it requires a recent sign-in and fails with CONFLICT on the first day after a change, because a thief who has the password could do the same. Administrators can end them immediately.',
      'mutation EndUndo($id: ID!) { endEmailChangeUndo(id: $id) { id emailChangeUndoableUntil } }',
    ),
  })
  async endEmailChangeUndo(
    @Ctx() context: Context,
    @Arg('id', () => ID, ACCOUNT_ID) id: string,
  ): Promise<UserType> {
    await endEmailChangeUndo(context.app, id, await acting(context, 'endEmailChangeUndo'))
    return toUser(await requireAccount(context.app, id))
  }
}
