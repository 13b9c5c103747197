import { Arg, Authorized, Ctx, Extensions, Mutation, Query, Resolver } from 'type-graphql'
import { toUser, UserType } from '../accounts/accounts.types.ts'
import type { Account, Context } from '../context.ts'
import { newDevice, readDevice } from '../devices/device.ts'
import { withExample } from '../example.ts'
import { confirmEmailChange, requestEmailChange, undoEmailChange } from './change-email.ts'
import { changePassword } from './change-password.ts'
import { deleteAccount } from './delete-account.ts'
import { exportAccount } from './export-account.ts'
import { requestPasswordReset, resetPassword } from './reset-password.ts'
import {
  ChangePasswordInput,
  ConfirmEmailChangeInput,
  RequestEmailChangeInput,
  RequestPasswordResetInput,
  ResetPasswordInput,
  UndoEmailChangeInput,
} from './self-service.types.ts'

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
    @Arg('input', () => ChangePasswordInput, { description: 'The old password and the new.' })
    input: ChangePasswordInput,
  ): Promise<UserType> {
    return toUser(await changePassword(context.app, input, await context.viewer(), context.request))
  }

  @Extensions({ sensitive: true })
  @Mutation(() => Boolean, {
    description: withExample(
      'Mails a link to set a new password. Always true, whether or not the address has an account.',
      'mutation Forgot { requestPasswordReset(input: { email: "ada@example.com" }) }',
    ),
  })
  async requestPasswordReset(
    @Ctx() { app, request }: Context,
    @Arg('input', () => RequestPasswordResetInput, { description: 'Whose password.' })
    input: RequestPasswordResetInput,
  ): Promise<boolean> {
    await requestPasswordReset(app, input, request)
    return true
  }

  @Extensions({ sensitive: true })
  @Mutation(() => Boolean, {
    description: withExample(
      'Sets a new password by the token of a reset, or the first one by that of an invitation; this verifies the address and ends all sessions. Does not sign in. A password that is refused does not spend the token.',
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
      'Mails a link to the new address, which becomes the account’s when it is opened, and to the old one a notice with a link that undoes the change. Wants a fresh sign-in. True also where the new address has an account.',
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
      'Gives the account the address that the link was sent to, verified. The old address is told, and can take itself back for 7 days.',
      'mutation ConfirmEmail($token: String!) { confirmEmailChange(input: { token: $token }) { id email emailVerified } }',
    ),
  })
  async confirmEmailChange(
    @Ctx() context: Context,
    @Arg('input', () => ConfirmEmailChangeInput, { description: 'The token.' })
    input: ConfirmEmailChangeInput,
  ): Promise<UserType> {
    return shown(context, await confirmEmailChange(context.app, input, context.request))
  }

  @Extensions({ sensitive: true })
  @Mutation(() => UserType, {
    description: withExample(
      'Keeps the old address, or takes it back. Ends all sessions and the password, which somebody else may know, and mails a link to set a new one.',
      'mutation UndoEmail($token: String!) { undoEmailChange(input: { token: $token }) { id email } }',
    ),
  })
  async undoEmailChange(
    @Ctx() context: Context,
    @Arg('input', () => UndoEmailChangeInput, { description: 'The token.' }) input: UndoEmailChangeInput,
  ): Promise<UserType> {
    return shown(context, await undoEmailChange(context.app, input, context.request))
  }

  @Extensions({ sensitive: true })
  @Authorized()
  @Mutation(() => Boolean, {
    description: withExample(
      'Deletes the own account with everything that belongs to it, and says good-bye by mail. Wants a fresh sign-in. The last administrator stays.',
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
      'Your data as JSON text: profile, public metadata, sessions, emails and audit events. A part has at most 10,000 rows; while it has `next`, pass that as `after`. Requires a recent sign-in.',
      'query Export { exportAccount }',
    ),
  })
  async exportAccount(
    @Ctx() context: Context,
    @Arg('after', () => String, {
      nullable: true,
      description: 'For the next part: the value of `next` in the part before.',
    })
    after?: string | null,
  ): Promise<string> {
    return exportAccount(context.app, after, await context.viewer(), context.request)
  }
}

/** The token came from the owner's mailbox, so the owner is who asks. */
function shown(context: Context, account: Account): UserType {
  const user = toUser(account)
  context.reveal(user)
  return user
}
