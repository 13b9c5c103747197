import { Arg, Authorized, Ctx, Extensions, ID, Int, Mutation, Resolver } from 'type-graphql'
import { requireAccount } from '../../accounts/account.ts'
import { toUser, UserType } from '../../accounts/accounts.types.ts'
import type { Context } from '../../context.ts'
import { withExample } from '../../example.ts'
import { callerOf } from '../administer.ts'
import { deleteUserApiKey } from './delete-user-api-key.ts'
import { endEmailChangeUndo } from './end-email-undo.ts'
import { resendInvitation } from './resend-invitation.ts'
import { revokeUserSession } from './revoke-user-session.ts'
import { revokeUserSessions } from './revoke-user-sessions.ts'
import { sendPasswordReset } from './send-password-reset.ts'

const ACCOUNT_ID = { description: 'The account’s ID.' }

/** What administrators do about an account's sessions and its links. */
@Resolver()
export class UserAccessResolver {
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

  @Authorized('users:write')
  @Mutation(() => Boolean, {
    description: withExample(
      'Immediately ends one session of an account. Returns whether it was live.',
      'mutation RevokeOneOfUser($id: ID!, $sessionId: ID!) { revokeUserSession(id: $id, sessionId: $sessionId) }',
    ),
  })
  async revokeUserSession(
    @Ctx() context: Context,
    @Arg('id', () => ID, ACCOUNT_ID) id: string,
    @Arg('sessionId', () => ID, { description: 'The session’s ID, from `user { sessions { id } }`.' })
    sessionId: string,
  ): Promise<boolean> {
    return revokeUserSession(context.app, id, sessionId, await callerOf(context, 'revokeUserSession'))
  }

  @Authorized('users:write')
  @Mutation(() => Boolean, {
    description: withExample(
      'Deletes an API key of an account, which stops working immediately. The owner sees it in their security activity.',
      'mutation DeleteUserApiKey($id: ID!, $apiKeyId: ID!) { deleteUserApiKey(id: $id, apiKeyId: $apiKeyId) }',
    ),
  })
  async deleteUserApiKey(
    @Ctx() context: Context,
    @Arg('id', () => ID, ACCOUNT_ID) id: string,
    @Arg('apiKeyId', () => ID, { description: 'The key’s ID, from `user { apiKeys { id } }`.' })
    apiKeyId: string,
  ): Promise<boolean> {
    await deleteUserApiKey(context.app, id, apiKeyId, await callerOf(context, 'deleteUserApiKey'))
    return true
  }

  @Authorized('users:write')
  @Extensions({ sensitive: true })
  @Mutation(() => UserType, {
    description: withExample(
      'Emails the owner of an account a link, valid for 30 minutes, to set a new password. The current password stays valid until then. Only the owner sees the link.',
      'mutation SendReset($id: ID!) { sendPasswordReset(id: $id) { id } }',
    ),
  })
  async sendPasswordReset(
    @Ctx() context: Context,
    @Arg('id', () => ID, ACCOUNT_ID) id: string,
  ): Promise<UserType> {
    await sendPasswordReset(context.app, id, await callerOf(context, 'sendPasswordReset'))
    return toUser(await requireAccount(context.app, id))
  }

  @Authorized('users:write')
  @Extensions({ sensitive: true })
  @Mutation(() => UserType, {
    description: withExample(
      'Emails the invitation of an account again, with a new link that is valid for 7 days. The old link becomes invalid. Fails with CONFLICT once the owner has set a password or signed in.',
      'mutation InviteAgain($id: ID!) { resendInvitation(id: $id) { id invitedAt } }',
    ),
  })
  async resendInvitation(
    @Ctx() context: Context,
    @Arg('id', () => ID, ACCOUNT_ID) id: string,
  ): Promise<UserType> {
    await resendInvitation(context.app, id, await callerOf(context, 'resendInvitation'))
    return toUser(await requireAccount(context.app, id))
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
