import { Arg, Authorized, Ctx, Extensions, Mutation, Resolver } from 'type-graphql'
import { IdentityType, toIdentity } from '../../accounts/identities.types.ts'
import type { Context } from '../../context.ts'
import { withExample } from '../../example.ts'
import { IdTokenInput } from '../../sign-in/provider.types.ts'
import { linkIdToken } from './link-id-token.ts'

@Resolver()
export class LinkIdTokenResolver {
  @Extensions({ sensitive: true })
  @Authorized()
  @Mutation(() => IdentityType, {
    description: withExample(
      'Connects the identity of an ID token, which an app received from a provider’s own sign-in on the device, to your account. Requires a recent sign-in and a verified address. Fails with IDENTITY_TAKEN if another account has it.',
      'mutation LinkIdToken($idToken: String!, $nonce: String!) { linkIdToken(input: { provider: "google", idToken: $idToken, nonce: $nonce }) { id provider } }',
    ),
  })
  async linkIdToken(
    @Ctx() { app, viewer, request }: Context,
    @Arg('input', () => IdTokenInput, {
      description: 'The token and its nonce. The options for a session have no effect.',
    })
    input: IdTokenInput,
  ): Promise<IdentityType> {
    return toIdentity(await linkIdToken(app, input, await viewer(), request))
  }
}
