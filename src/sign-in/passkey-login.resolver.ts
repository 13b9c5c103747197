import { Arg, Ctx, Extensions, Mutation, Resolver } from 'type-graphql'
import type { Context } from '../context.ts'
import { PasskeyCeremony } from '../credentials/passkey/passkey.types.ts'
import { newDevice } from '../devices/device.ts'
import { withExample } from '../example.ts'
import { issueTokens } from '../sessions/issue.ts'
import type { AuthPayload } from '../sessions/sessions.types.ts'
import { deliverTokens, presentedDevice, TokenTransport } from '../sessions/token-transport.ts'
import { deliverSignIn } from './deliver-sign-in.ts'
import { beginPasskeyLogin, loginWithPasskey } from './login-with-passkey.ts'
import {
  BeginPasskeyRegistrationInput,
  LoginWithPasskeyInput,
  RegisterWithPasskeyInput,
} from './passkey-login.types.ts'
import { beginPasskeyRegistration, registerWithPasskey } from './register-with-passkey.ts'
import {
  EmailVerificationRequired,
  LoginResult,
  RegisterResult,
  type SecondFactorRequired,
  type SecondFactorSetupRequired,
} from './sign-in.types.ts'

@Resolver()
export class PasskeyLoginResolver {
  @Mutation(() => PasskeyCeremony, {
    description: withExample(
      'Begins a sign-in with a passkey, of any account. Call it before the browser shows the sign-in form, so that the address field offers passkeys.',
      'mutation BeginPasskeyLogin { beginPasskeyLogin { ticket options expiresAt } }',
    ),
  })
  beginPasskeyLogin(@Ctx() { app }: Context): Promise<PasskeyCeremony> {
    return beginPasskeyLogin(app)
  }

  @Extensions({ sensitive: true })
  @Mutation(() => LoginResult, {
    description: withExample(
      'Signs in with a passkey. It satisfies every demand for a second factor.',
      'mutation LoginWithPasskey($passkey: PasskeyInput!) { loginWithPasskey(input: { passkey: $passkey }) { __typename ... on AuthPayload { accessToken refreshToken deviceToken session { id strength methods } user { id displayName } } } }',
    ),
  })
  async loginWithPasskey(
    @Ctx() context: Context,
    @Arg('input', () => LoginWithPasskeyInput, { description: 'The passkey, and options for the session.' })
    input: LoginWithPasskeyInput,
  ): Promise<AuthPayload | SecondFactorRequired | SecondFactorSetupRequired> {
    const transport = input.tokenTransport ?? TokenTransport.BODY
    const client = { presented: presentedDevice(context, input), transport }
    return deliverSignIn(context, await loginWithPasskey(context.app, input, context.request, client))
  }

  @Extensions({ sensitive: true })
  @Mutation(() => PasskeyCeremony, {
    description: withExample(
      'Begins a registration with a passkey and no password. Does not reveal whether the address has an account.',
      'mutation BeginPasskeyRegistration { beginPasskeyRegistration(input: { email: "mary@example.com", displayName: "Mary" }) { ticket options expiresAt } }',
    ),
  })
  beginPasskeyRegistration(
    @Ctx() { app }: Context,
    @Arg('input', () => BeginPasskeyRegistrationInput, { description: 'The new account.' })
    input: BeginPasskeyRegistrationInput,
  ): Promise<PasskeyCeremony> {
    return beginPasskeyRegistration(app, input)
  }

  @Extensions({ sensitive: true })
  @Mutation(() => RegisterResult, {
    description: withExample(
      'Creates an account with the passkey that the browser created, and signs in. If the server requires a verified address, sends a verification email instead.',
      'mutation RegisterWithPasskey($passkey: PasskeyInput!) { registerWithPasskey(input: { passkey: $passkey }) { __typename ... on AuthPayload { accessToken refreshToken deviceToken session { id strength } user { id email } } ... on EmailVerificationRequired { email } } }',
    ),
  })
  async registerWithPasskey(
    @Ctx() context: Context,
    @Arg('input', () => RegisterWithPasskeyInput, {
      description: 'The passkey, and options for the session.',
    })
    input: RegisterWithPasskeyInput,
  ): Promise<AuthPayload | EmailVerificationRequired> {
    const device = presentedDevice(context, input) ?? newDevice(context.app)
    const registered = await registerWithPasskey(context.app, input, context.request, device)
    if ('mustVerify' in registered)
      return Object.assign(new EmailVerificationRequired(), { email: registered.mustVerify })
    const tokens = await issueTokens(context.app, registered.started)
    return deliverTokens(context, tokens, input.tokenTransport, device)
  }
}
