import { Arg, Authorized, Ctx, Extensions, ID, Mutation, Query, Resolver } from 'type-graphql'
import { requireAccount } from '../accounts/account.ts'
import {
  AuthSettingsType,
  ResendVerificationEmailInput,
  toUser,
  UpdateProfileInput,
  UserType,
  VerifyEmailInput,
} from '../accounts/accounts.types.ts'
import type { Context } from '../context.ts'
import { withExample } from '../example.ts'
import { presetOf } from '../provider-settings/presets.ts'
import { FOR_UNBOUND_SESSIONS, FOR_WEAK_SESSIONS } from '../sessions/assurance.ts'
import { resendVerification } from './resend-verification.ts'
import { updateProfile } from './update-profile.ts'
import { verifyEmail } from './verify-email.ts'

@Resolver()
export class ProfileResolver {
  @Query(() => AuthSettingsType, {
    description: withExample(
      'The server’s settings for signing up and signing in, for building forms. Does not require a sign-in.',
      'query Settings { authSettings { registrationOpen emailVerificationRequired passwordMinLength passwordMaxLength passkeys passkeyRpId emailLogin providers { id type name clientId idTokens } trustedDeviceDays locales } }',
    ),
  })
  authSettings(@Ctx() { app: { config } }: Context): AuthSettingsType {
    return {
      registrationOpen: config.registrationOpen,
      emailVerificationRequired: config.emailVerification === 'required',
      passwordMinLength: config.passwords.minLength,
      passwordMaxLength: config.passwords.maxLength,
      passkeys: config.passkeys.enabled,
      passkeyRpId: config.passkeys.rpId,
      emailLogin: config.emailLogin,
      providers: config.providers.map(({ id, name, clientId, type }) => ({
        id,
        type,
        name,
        clientId,
        idTokens: presetOf(type).idTokens,
      })),
      trustedDeviceDays: Math.ceil((config.trustedDeviceTtlSeconds ?? 0) / 86_400),
      locales: config.locales,
    }
  }

  @Authorized()
  @Extensions({ ...FOR_WEAK_SESSIONS, ...FOR_UNBOUND_SESSIONS })
  @Query(() => UserType, {
    nullable: true,
    description: withExample(
      'The signed-in user.',
      'query Me { me { id email emailVerified username displayName locale roles permissions createdAt updatedAt lastLoginAt passwordChangedAt hasPassword secondFactorRequired hasTotp recoveryCodesLeft publicMetadata impersonatedBy { id displayName } sessions { id deviceName current boundToKey } trustedDevices { id name current trustedUntil lastUsedAt ipAddress } apiKeys { id name prefix } } }',
    ),
  })
  async me(@Ctx() context: Context): Promise<UserType> {
    return toUser((await context.viewer()).account)
  }

  @Authorized('users:read', 'self')
  @Query(() => UserType, {
    nullable: true,
    description: withExample(
      'An account by ID. With `users:read`, any account; otherwise only your own. Fails with NOT_FOUND if the account does not exist.',
      'query User($id: ID!) { user(id: $id) { id email username displayName disabledAt privateMetadata } }',
    ),
  })
  async user(
    @Ctx() { app }: Context,
    @Arg('id', () => ID, { description: 'The account’s ID.' }) id: string,
  ): Promise<UserType> {
    return toUser(await requireAccount(app, id))
  }

  @Authorized()
  @Mutation(() => UserType, {
    description: withExample(
      'Changes your display name, username, language or public metadata. Another username of an account with a second factor requires a recent sign-in with it.',
      'mutation UpdateProfile { updateProfile(input: { displayName: "Ada Lovelace", locale: "en", publicMetadata: { theme: "dark" } }) { id displayName username locale publicMetadata } }',
    ),
  })
  async updateProfile(
    @Ctx() context: Context,
    @Arg('input', () => UpdateProfileInput, { description: 'What to change.' }) input: UpdateProfileInput,
  ): Promise<UserType> {
    return toUser(await updateProfile(context.app, input, await context.viewer(), context.request))
  }

  @Extensions({ sensitive: true })
  @Mutation(() => UserType, {
    description: withExample(
      'Verifies the address that a link was sent to. Completes a pending registration by creating the account, without its username if another account has taken the username since. Does not sign in.',
      'mutation VerifyEmail($token: String!) { verifyEmail(input: { token: $token }) { id email emailVerified username } }',
    ),
  })
  async verifyEmail(
    @Ctx() context: Context,
    @Arg('input', () => VerifyEmailInput, { description: 'The token from the link.' })
    input: VerifyEmailInput,
  ): Promise<UserType> {
    const user = toUser(await verifyEmail(context.app, input, context.request))
    context.reveal(user)
    return user
  }

  @Extensions({ sensitive: true })
  @Mutation(() => Boolean, {
    description: withExample(
      'Sends another verification link to an address that is not verified yet. Always returns true, whether or not an email is sent.',
      'mutation Resend { resendVerificationEmail(input: { email: "ada@example.com" }) }',
    ),
  })
  async resendVerificationEmail(
    @Ctx() { app, request }: Context,
    @Arg('input', () => ResendVerificationEmailInput, { description: 'The address.' })
    input: ResendVerificationEmailInput,
  ): Promise<boolean> {
    await resendVerification(app, input, request)
    return true
  }
}
