import { Arg, Authorized, Ctx, Extensions, Mutation, Query, Resolver } from 'type-graphql'
import { toUser, UserType } from '../accounts/accounts.types.ts'
import type { Account, Context } from '../context.ts'
import { newDevice, readDevice } from '../devices/device.ts'
import { withExample } from '../example.ts'
import { changePassword } from './change-password.ts'
import { confirmEmailChange } from './confirm-email-change.ts'
import { deleteAccount } from './delete-account.ts'
import { exportAccount } from './export-account.ts'
import { requestEmailChange } from './request-email-change.ts'
import { requestPasswordReset } from './request-password-reset.ts'
import { resetPassword } from './reset-password.ts'
import {
  ChangePasswordInput,
  ConfirmEmailChangeInput,
  RequestEmailChangeInput,
  RequestPasswordResetInput,
  ResetPasswordInput,
  UndoEmailChangeInput,
} from './self-service.types.ts'
import { undoEmailChange } from './undo-email-change.ts'

@Resolver()
export class SelfServiceResolver {
  @Extensions({ sensitive: true })
  @Authorized()
  @Mutation(() => UserType, {
    description: withExample(
      'Sets a new password and ends all other sessions.',
      'mutation ChangePassword { changePassword(input: { currentPassword: "an engine of brass", newPassword: "an engine of steam" }) { id passwordChangedAt } }',
    ),
  })
  async changePassword(
    @Ctx() context: Context,
    @Arg('input', () => ChangePasswordInput, { description: 'The current password and the new one.' })
    input: ChangePasswordInput,
  ): Promise<UserType> {
    return toUser(await changePassword(context.app, input, await context.viewer(), context.request))
  }

  @Extensions({ sensitive: true })
  @Mutation(() => Boolean, {
    description: withExample(
      'Sends an email with a link to set a new password. Always returns true, whether or not the address has an account.',
      'mutation Forgot { requestPasswordReset(input: { email: "ada@example.com" }) }',
    ),
  })
  async requestPasswordReset(
    @Ctx() { app, request }: Context,
    @Arg('input', () => RequestPasswordResetInput, { description: 'The account’s address.' })
    input: RequestPasswordResetInput,
  ): Promise<boolean> {
    await requestPasswordReset(app, input, request)
    return true
  }

  @Extensions({ sensitive: true })
  @Mutation(() => Boolean, {
    description: withExample(
      'Sets a new password with the token of a password reset, or the first password with the token of an invitation. Verifies the address and ends all sessions. Does not sign in. A rejected password does not use up the token.',
      'mutation Reset($token: String!) { resetPassword(input: { token: $token, newPassword: "an engine of steel" }) }',
    ),
  })
  async resetPassword(
    @Ctx() { app, request, response }: Context,
    @Arg('input', () => ResetPasswordInput, { description: 'The token and the new password.' })
    input: ResetPasswordInput,
  ): Promise<boolean> {
    const kept = readDevice(app, input.deviceToken)
    const device = kept ?? readDevice(app, request.deviceCookie) ?? newDevice(app)
    await resetPassword(app, input, request, device)
    if (!kept) response.setDeviceCookie(device.token)
    return true
  }

  @Extensions({ sensitive: true })
  @Authorized()
  @Mutation(() => Boolean, {
    description: withExample(
      'Sends a link to the new address, which replaces the current one when the link is confirmed. The current address receives a notice with a link that undoes the change. Requires a recent sign-in. Returns true even if the new address already has an account.',
      'mutation ChangeEmail { requestEmailChange(input: { newEmail: "ada@lovelace.example" }) }',
    ),
  })
  async requestEmailChange(
    @Ctx() context: Context,
    @Arg('input', () => RequestEmailChangeInput, { description: 'The new address.' })
    input: RequestEmailChangeInput,
  ): Promise<boolean> {
    await requestEmailChange(context.app, input, await context.viewer(), context.request)
    return true
  }

  @Extensions({ sensitive: true })
  @Mutation(() => UserType, {
    description: withExample(
      'Changes the account’s address to the one that the link was sent to, as verified. The old address receives a notice with a link that undoes the change for 7 days.',
      'mutation ConfirmEmail($token: String!) { confirmEmailChange(input: { token: $token }) { id email emailVerified } }',
    ),
  })
  async confirmEmailChange(
    @Ctx() context: Context,
    @Arg('input', () => ConfirmEmailChangeInput, { description: 'The token from the link.' })
    input: ConfirmEmailChangeInput,
  ): Promise<UserType> {
    return shown(context, await confirmEmailChange(context.app, input, context.request))
  }

  @Extensions({ sensitive: true })
  @Mutation(() => UserType, {
    description: withExample(
      'Keeps or restores the old address. Also ends all sessions, removes the password, which a thief may know, and sends an email with a link to set a new one.',
      'mutation UndoEmail($token: String!) { undoEmailChange(input: { token: $token }) { id email } }',
    ),
  })
  async undoEmailChange(
    @Ctx() context: Context,
    @Arg('input', () => UndoEmailChangeInput, { description: 'The token from the link.' })
    input: UndoEmailChangeInput,
  ): Promise<UserType> {
    return shown(context, await undoEmailChange(context.app, input, context.request))
  }

  @Extensions({ sensitive: true })
  @Authorized()
  @Mutation(() => Boolean, {
    description: withExample(
      'Deletes your account and all of its data, and confirms the deletion by email. Requires a recent sign-in. The last administrator cannot be deleted.',
      'mutation Withdraw { deleteAccount }',
    ),
  })
  async deleteAccount(@Ctx() context: Context): Promise<boolean> {
    const { app, request, response } = context
    await deleteAccount(app, await context.viewer(), request)
    if (request.refreshCookie) response.clearRefreshCookie()
    return true
  }

  @Authorized()
  @Query(() => String, {
    description: withExample(
      'Your data as JSON text: profile, public metadata, sessions, emails and audit events. Each part has at most 10,000 rows. If a part has `next`, pass that value as `after` to get the next part. Requires a recent sign-in.',
      'query Export { exportAccount }',
    ),
  })
  async exportAccount(
    @Ctx() context: Context,
    @Arg('after', () => String, {
      nullable: true,
      description: 'The value of `next` in the previous part. Omit for the first part.',
    })
    after?: string | null,
  ): Promise<string> {
    return exportAccount(context.app, after, await context.viewer(), context.request)
  }
}

/** The token came from the owner's mailbox, so the caller is the owner. */
function shown(context: Context, account: Account): UserType {
  const user = toUser(account)
  context.reveal(user)
  return user
}
