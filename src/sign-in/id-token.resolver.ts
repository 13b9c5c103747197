import { Arg, Ctx, Extensions, Mutation, Resolver } from 'type-graphql'
import type { Context } from '../context.ts'
import { createNonce } from '../credentials/provider/nonce.ts'
import { withExample } from '../example.ts'
import { presentedDevice, TokenTransport } from '../sessions/token-transport.ts'
import { type DeliveredProviderSignIn, deliverProviderSignIn } from './deliver-provider-sign-in.ts'
import { signInWithIdToken } from './login-with-id-token.ts'
import { IdTokenInput, ProviderNonce } from './provider.types.ts'
import { LoginResult } from './sign-in.types.ts'

@Resolver()
export class IdTokenResolver {
  @Extensions({ sensitive: true })
  @Mutation(() => ProviderNonce, {
    description: withExample(
      'Returns a nonce for a provider’s own sign-in on the device. Ask for one when the button is pressed, and give it to the provider’s SDK, raw or as its SHA-256 in hexadecimal.',
      'mutation CreateProviderNonce { createProviderNonce { nonce expiresAt } }',
    ),
  })
  createProviderNonce(@Ctx() { app }: Context): ProviderNonce {
    return Object.assign(new ProviderNonce(), createNonce(app))
  }

  @Extensions({ sensitive: true })
  @Mutation(() => LoginResult, {
    description: withExample(
      'Signs in with the ID token that an app received from a provider’s own sign-in on the device. What it leads to is decided as by `completeProviderSignIn`.',
      'mutation SignInWithIdToken($idToken: String!, $nonce: String!) { signInWithIdToken(input: { provider: "google", idToken: $idToken, nonce: $nonce }) { __typename ... on AuthPayload { accessToken refreshToken deviceToken session { id } user { id email } } ... on SecondFactorRequired { ticket methods } ... on SecondFactorSetupRequired { ticket methods } ... on ProviderSignUpRequired { ticket email displayName } ... on ProviderLinkRequired { ticket provider } } }',
    ),
  })
  async signInWithIdToken(
    @Ctx() context: Context,
    @Arg('input', () => IdTokenInput, { description: 'The token, and options for the session.' })
    input: IdTokenInput,
  ): Promise<DeliveredProviderSignIn> {
    const transport = input.tokenTransport ?? TokenTransport.BODY
    const client = { presented: presentedDevice(context, input), transport }
    return deliverProviderSignIn(
      context,
      await signInWithIdToken(context.app, input, context.request, client),
    )
  }
}
