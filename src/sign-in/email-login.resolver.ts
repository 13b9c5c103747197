import { Arg, Ctx, Extensions, Mutation, Resolver } from 'type-graphql'
import type { Context } from '../context.ts'
import { withExample } from '../example.ts'
import type { AuthPayload } from '../sessions/sessions.types.ts'
import { presentedDevice, TokenTransport } from '../sessions/token-transport.ts'
import { deliverSignIn } from './deliver-sign-in.ts'
import { EmailLoginRequested, LoginWithEmailInput, RequestEmailLoginInput } from './email-login.types.ts'
import { loginWithEmail } from './login-with-email.ts'
import { requestEmailLogin } from './request-email-login.ts'
import { LoginResult, type SecondFactorRequired, type SecondFactorSetupRequired } from './sign-in.types.ts'

@Resolver()
export class EmailLoginResolver {
  @Extensions({ sensitive: true })
  @Mutation(() => EmailLoginRequested, {
    description: withExample(
      'Sends an email with a code and a link to sign in with. If the address has no account and registration is open, signing in creates one. Every address gets the same answer. Fails with CONFLICT unless the server has EMAIL_LOGIN=on.',
      'mutation RequestEmailLogin { requestEmailLogin(input: { email: "ada@example.com" }) { ticket expiresAt } }',
    ),
  })
  async requestEmailLogin(
    @Ctx() { app, request }: Context,
    @Arg('input', () => RequestEmailLoginInput, { description: 'The address.' })
    input: RequestEmailLoginInput,
  ): Promise<EmailLoginRequested> {
    return requestEmailLogin(app, input, request)
  }

  @Extensions({ sensitive: true })
  @Mutation(() => LoginResult, {
    description: withExample(
      'Signs in with the code or the link from the email, once. The first such proof of an unverified address verifies it, and removes the account’s password, factors and sessions, which may be a stranger’s.',
      'mutation LoginWithEmail($ticket: String!, $code: String!) { loginWithEmail(input: { ticket: $ticket, code: $code }) { __typename ... on AuthPayload { accessToken refreshToken session { id } user { id email } } ... on SecondFactorRequired { ticket methods } ... on SecondFactorSetupRequired { ticket methods } } }',
    ),
  })
  async loginWithEmail(
    @Ctx() context: Context,
    @Arg('input', () => LoginWithEmailInput, {
      description: 'The token, or the ticket and the code, and options for the session.',
    })
    input: LoginWithEmailInput,
  ): Promise<AuthPayload | SecondFactorRequired | SecondFactorSetupRequired> {
    const transport = input.tokenTransport ?? TokenTransport.BODY
    const client = { presented: presentedDevice(context, input), transport }
    return deliverSignIn(context, await loginWithEmail(context.app, input, context.request, client))
  }
}
