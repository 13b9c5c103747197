import { Arg, Ctx, Extensions, Mutation, Resolver } from 'type-graphql'
import type { Context } from '../context.ts'
import { newDevice } from '../devices/device.ts'
import { withExample } from '../example.ts'
import type { AuthPayload } from '../sessions/sessions.types.ts'
import { presentedDevice, TokenTransport } from '../sessions/token-transport.ts'
import { completeProviderSignIn } from './complete-provider.ts'
import { completeProviderSignUp } from './complete-provider-sign-up.ts'
import { type DeliveredProviderSignIn, deliverProviderSignIn } from './deliver-provider-sign-in.ts'
import { deliverStarted } from './deliver-sign-in.ts'
import {
  CompleteProviderInput,
  CompleteSignUpInput,
  ProviderRedirect,
  StartProviderInput,
} from './provider.types.ts'
import { type EmailVerificationRequired, LoginResult, RegisterResult } from './sign-in.types.ts'
import { startProvider } from './start-provider.ts'

@Resolver()
export class ProviderResolver {
  @Extensions({ sensitive: true })
  @Mutation(() => ProviderRedirect, {
    description: withExample(
      'Begins a sign-in with a provider: open `url` in the browser. It returns to `returnTo` with `provider_code`, for `completeProviderSignIn`, or with `provider_error`, an error code.',
      'mutation StartProviderSignIn($challenge: String!) { startProviderSignIn(input: { provider: "google", returnTo: "https://app.example.com/signed-in", codeChallenge: $challenge }) { url expiresAt } }',
    ),
  })
  async startProviderSignIn(
    @Ctx() { app, request, response }: Context,
    @Arg('input', () => StartProviderInput, { description: 'The provider, and where to return.' })
    input: StartProviderInput,
  ): Promise<ProviderRedirect> {
    return startProvider(app, input, { purpose: 'sign-in' }, { request, response })
  }

  @Extensions({ sensitive: true })
  @Mutation(() => LoginResult, {
    description: withExample(
      'Completes a sign-in with a provider. An identity that is new here joins the account with its address, creates one, or requires another step: see [Sign-in with other providers](docs/providers.md).',
      'mutation CompleteProviderSignIn($code: String!, $verifier: String!) { completeProviderSignIn(input: { code: $code, codeVerifier: $verifier }) { __typename ... on AuthPayload { accessToken refreshToken session { id } user { id email identities { id provider displayName email createdAt lastUsedAt } } } ... on SecondFactorRequired { ticket methods } ... on SecondFactorSetupRequired { ticket methods } ... on ProviderSignUpRequired { ticket provider email displayName expiresAt } ... on ProviderLinkRequired { ticket provider address: email expiresAt } } }',
    ),
  })
  async completeProviderSignIn(
    @Ctx() context: Context,
    @Arg('input', () => CompleteProviderInput, {
      description: 'The code, its verifier, and options for the session.',
    })
    input: CompleteProviderInput,
  ): Promise<DeliveredProviderSignIn> {
    const transport = input.tokenTransport ?? TokenTransport.BODY
    const client = { presented: presentedDevice(context, input), transport }
    return deliverProviderSignIn(
      context,
      await completeProviderSignIn(context.app, input, context.request, client),
    )
  }

  @Extensions({ sensitive: true })
  @Mutation(() => RegisterResult, {
    description: withExample(
      'Creates the account of an identity whose provider gives no address that can be relied on. If the server requires a verified address, sends a verification email instead; the client that began passes the ticket to `verifyEmail`, so that the identity joins the account.',
      'mutation CompleteProviderSignUp($ticket: String!) { completeProviderSignUp(input: { ticket: $ticket, email: "augusta@example.com" }) { __typename ... on AuthPayload { accessToken refreshToken session { id } user { id email } } ... on EmailVerificationRequired { email } } }',
    ),
  })
  async completeProviderSignUp(
    @Ctx() context: Context,
    @Arg('input', () => CompleteSignUpInput, { description: 'The ticket and the account.' })
    input: CompleteSignUpInput,
  ): Promise<AuthPayload | EmailVerificationRequired> {
    const { app, request } = context
    const device = presentedDevice(context, input) ?? newDevice(app)
    const registered = await completeProviderSignUp(app, input, request, device)
    if ('mustVerify' in registered) return { email: registered.mustVerify }
    return deliverStarted(context, {
      step: 'started',
      started: registered.started,
      device,
      transport: input.tokenTransport ?? TokenTransport.BODY,
    })
  }
}
