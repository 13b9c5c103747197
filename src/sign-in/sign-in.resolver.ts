import { Arg, Authorized, Ctx, Extensions, Mutation, Resolver } from 'type-graphql'
import { z } from 'zod'
import { toUser, UserType } from '../accounts/accounts.types.ts'
import type { Context } from '../context.ts'
import { withExample } from '../example.ts'
import { checkInput } from '../input.ts'
import { newDevice } from '../sessions/device.ts'
import { issueTokens, presentedDevice } from '../sessions/issue.ts'
import { type AuthPayload, SessionType, toSession } from '../sessions/sessions.types.ts'
import { changePassword } from './change-password.ts'
import { login } from './login.ts'
import { logout } from './logout.ts'
import { reauthenticate } from './reauthenticate.ts'
import { register } from './register.ts'
import {
  ChangePasswordInput,
  type EmailVerificationRequired,
  LoginInput,
  LoginResult,
  LogoutInput,
  ReauthenticateInput,
  RegisterInput,
  RegisterResult,
} from './sign-in.types.ts'

const logoutInput = z.object({ refreshToken: z.string().nullish() }).nullish()

@Resolver()
export class SignInResolver {
  @Extensions({ sensitive: true })
  @Mutation(() => RegisterResult, {
    description: withExample(
      'Makes an account and signs it in; where addresses must be verified first, asks for that instead.',
      'mutation Register { register(input: { email: "ada@example.com", password: "an engine of brass", displayName: "Ada" }) { __typename ... on AuthPayload { accessToken tokenType accessTokenExpiresAt refreshToken refreshTokenExpiresAt session { id } user { id email } } ... on EmailVerificationRequired { email } } }',
    ),
  })
  async register(
    @Ctx() context: Context,
    @Arg('input', () => RegisterInput, { description: 'The new account.' }) input: RegisterInput,
  ): Promise<AuthPayload | EmailVerificationRequired> {
    const device = presentedDevice(context, input) ?? newDevice(context.app)
    const registered = await register(context.app, input, context.request, device)
    return 'mustVerify' in registered
      ? { email: registered.mustVerify }
      : issueTokens(context, registered.viewer, input.tokenTransport, { device })
  }

  @Extensions({ sensitive: true })
  @Mutation(() => LoginResult, {
    description: withExample(
      'Signs in with an e-mail address or a username. A wrong password and an unknown name get the same answer.',
      'mutation Login { login(input: { identifier: "ada@example.com", password: "an engine of brass" }) { __typename ... on AuthPayload { accessToken refreshToken deviceToken session { id deviceName } user { id displayName } } } }',
    ),
  })
  async login(
    @Ctx() context: Context,
    @Arg('input', () => LoginInput, { description: 'Who signs in, and how.' }) input: LoginInput,
  ): Promise<AuthPayload> {
    const presented = presentedDevice(context, input)
    const { viewer, device } = await login(context.app, input, context.request, presented)
    return issueTokens(context, viewer, input.tokenTransport, { device })
  }

  @Mutation(() => Boolean, {
    description: withExample(
      'Ends the session of the access token, and of the refresh token given or in the cookie. True also where there was none: signing out twice is no error.',
      'mutation Logout { logout }',
    ),
  })
  async logout(
    @Ctx() context: Context,
    @Arg('input', () => LogoutInput, {
      nullable: true,
      description: 'For clients that keep the refresh token.',
    })
    input?: LogoutInput | null,
  ): Promise<boolean> {
    const { app, request, response } = context
    const given = checkInput(logoutInput, input)
    await logout(app, [given?.refreshToken, request.refreshCookie], request)
    if (request.refreshCookie) response.clearRefreshCookie()
    return true
  }

  @Extensions({ sensitive: true })
  @Authorized()
  @Mutation(() => SessionType, {
    description: withExample(
      'Proves the password again, for the operations that want a fresh sign-in.',
      'mutation Reauthenticate { reauthenticate(input: { password: "an engine of brass" }) { id authenticatedAt } }',
    ),
  })
  async reauthenticate(
    @Ctx() context: Context,
    @Arg('input', () => ReauthenticateInput, { description: 'The password again.' })
    input: ReauthenticateInput,
  ): Promise<SessionType> {
    const viewer = await context.viewer()
    const session = await reauthenticate(context.app, input, viewer, context.request)
    return toSession(session, viewer.session.id)
  }

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
}
