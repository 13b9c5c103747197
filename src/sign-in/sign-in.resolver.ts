import { Arg, Authorized, Ctx, Extensions, Mutation, Resolver } from 'type-graphql'
import { z } from 'zod'
import type { Context } from '../context.ts'
import { newDevice } from '../devices/device.ts'
import { withExample } from '../example.ts'
import { checkInput } from '../input.ts'
import { FOR_WEAK_SESSIONS } from '../sessions/assurance.ts'
import { issueTokens } from '../sessions/issue.ts'
import { AuthPayload, SessionType, toSession } from '../sessions/sessions.types.ts'
import { deliverTokens, presentedDevice, TokenTransport } from '../sessions/token-transport.ts'
import { completeLogin } from './complete-login.ts'
import { deliverSignIn, deliverStarted } from './deliver-sign-in.ts'
import { login } from './login.ts'
import { logout } from './logout.ts'
import { reauthenticate } from './reauthenticate.ts'
import { register } from './register.ts'
import {
  CompleteLoginInput,
  type EmailVerificationRequired,
  LoginInput,
  LoginResult,
  LogoutInput,
  ReauthenticateInput,
  RegisterInput,
  RegisterResult,
  type SecondFactorRequired,
  type SecondFactorSetupRequired,
  StepUpInput,
} from './sign-in.types.ts'
import { stepUp } from './step-up.ts'

const logoutInput = z.object({ refreshToken: z.string().nullish() }).nullish()

@Resolver()
export class SignInResolver {
  @Extensions({ sensitive: true })
  @Mutation(() => RegisterResult, {
    description: withExample(
      'Creates an account and signs in. If the server requires a verified address, sends a verification email instead.',
      'mutation Register { register(input: { email: "ada@example.com", password: "an engine of brass", displayName: "Ada" }) { __typename ... on AuthPayload { accessToken tokenType accessTokenExpiresAt refreshToken refreshTokenExpiresAt session { id } user { id email } } ... on EmailVerificationRequired { email } } }',
    ),
  })
  async register(
    @Ctx() context: Context,
    @Arg('input', () => RegisterInput, { description: 'The new account.' }) input: RegisterInput,
  ): Promise<AuthPayload | EmailVerificationRequired> {
    const device = presentedDevice(context, input) ?? newDevice(context.app)
    const registered = await register(context.app, input, context.request, device)
    if ('mustVerify' in registered) return { email: registered.mustVerify }
    const tokens = await issueTokens(context.app, registered.started)
    return deliverTokens(context, tokens, input.tokenTransport, device)
  }

  @Extensions({ sensitive: true })
  @Mutation(() => LoginResult, {
    description: withExample(
      'Signs in with an email address or a username. A wrong password and an unknown identifier get the same answer. If the account demands a second factor, the result is a ticket for the next step, and no session starts.',
      'mutation Login { login(input: { identifier: "ada@example.com", password: "an engine of brass" }) { __typename ... on AuthPayload { accessToken refreshToken deviceToken passkeySuggestion session { id deviceName strength methods } user { id displayName } } ... on SecondFactorRequired { ticket expiresAt methods passkeyOptions canTrustDevice } ... on SecondFactorSetupRequired { ticket expiresAt methods } } }',
    ),
  })
  async login(
    @Ctx() context: Context,
    @Arg('input', () => LoginInput, { description: 'The credentials, and options for the session.' })
    input: LoginInput,
  ): Promise<AuthPayload | SecondFactorRequired | SecondFactorSetupRequired> {
    const transport = input.tokenTransport ?? TokenTransport.BODY
    const client = { presented: presentedDevice(context, input), transport }
    return deliverSignIn(context, await login(context.app, input, context.request, client))
  }

  @Extensions({ sensitive: true })
  @Mutation(() => AuthPayload, {
    description: withExample(
      'Completes a sign-in with one of the methods that `SecondFactorRequired` lists. A wrong code leaves the ticket valid.',
      'mutation CompleteLogin($ticket: String!, $code: String!) { completeLogin(input: { ticket: $ticket, proof: { totpCode: $code } }) { accessToken refreshToken deviceToken session { id strength methods } user { id displayName } } }',
    ),
  })
  async completeLogin(
    @Ctx() context: Context,
    @Arg('input', () => CompleteLoginInput, { description: 'The ticket and a proof.' })
    input: CompleteLoginInput,
  ): Promise<AuthPayload> {
    return deliverStarted(context, await completeLogin(context.app, input, context.request))
  }

  @Mutation(() => Boolean, {
    description: withExample(
      'Ends the session of the access token and that of the refresh token from the input or the cookie. Returns true even if no session was live: signing out twice is not an error.',
      'mutation Logout { logout }',
    ),
  })
  async logout(
    @Ctx() context: Context,
    @Arg('input', () => LogoutInput, {
      nullable: true,
      description: 'For clients that store the refresh token themselves.',
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
      'Confirms the password again, for operations that require a recent sign-in.',
      'mutation Reauthenticate { reauthenticate(input: { password: "an engine of brass" }) { id authenticatedAt } }',
    ),
  })
  async reauthenticate(
    @Ctx() context: Context,
    @Arg('input', () => ReauthenticateInput, { description: 'The current password.' })
    input: ReauthenticateInput,
  ): Promise<SessionType> {
    const viewer = await context.viewer()
    const session = await reauthenticate(context.app, input, viewer, context.request)
    return toSession(session, session.id)
  }

  @Extensions({ sensitive: true, ...FOR_WEAK_SESSIONS })
  @Authorized()
  @Mutation(() => AuthPayload, {
    description: withExample(
      'Proves your identity again, for operations that answer STEP_UP_REQUIRED or REAUTHENTICATION_REQUIRED. Returns new tokens, which replace the old ones: access tokens from before do not benefit. Fails with STEP_UP_REQUIRED if the proofs, together with those of the last 10 minutes, are too few, and with CONFLICT if the session was refreshed after the access token was issued; then repeat it with the new access token.',
      'mutation StepUp { stepUp(input: { proofs: [{ password: "an engine of brass" }] }) { accessToken refreshToken session { id strength methods authenticatedAt } } }',
    ),
  })
  async stepUp(
    @Ctx() context: Context,
    @Arg('input', () => StepUpInput, { description: 'The proofs.' }) input: StepUpInput,
  ): Promise<AuthPayload> {
    const { app, request } = context
    const advanced = await stepUp(app, input, await context.viewer(), request)
    return deliverTokens(context, await issueTokens(app, advanced), input.tokenTransport)
  }
}
