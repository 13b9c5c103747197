import { Arg, Ctx, Extensions, Mutation, Resolver } from 'type-graphql'
import type { Context } from '../context.ts'
import { PasskeyCeremony } from '../credentials/passkey/passkey.types.ts'
import { withExample } from '../example.ts'
import type { AuthPayload } from '../sessions/sessions.types.ts'
import { presentedDevice, TokenTransport } from '../sessions/token-transport.ts'
import { deliverSignIn } from './deliver-sign-in.ts'
import { beginPasskeyLogin, loginWithPasskey } from './login-with-passkey.ts'
import { LoginWithPasskeyInput } from './passkey-login.types.ts'
import { LoginResult, type SecondFactorRequired, type SecondFactorSetupRequired } from './sign-in.types.ts'

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
}
