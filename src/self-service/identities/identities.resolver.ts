import { Arg, Authorized, Ctx, Extensions, ID, Mutation, Resolver } from 'type-graphql'
import { toUser, UserType } from '../../accounts/accounts.types.ts'
import { IdentityType, toIdentity } from '../../accounts/identities.types.ts'
import type { Context } from '../../context.ts'
import { withExample } from '../../example.ts'
import { FOR_WEAK_SESSIONS } from '../../sessions/assurance.ts'
import { SessionType, toSession } from '../../sessions/sessions.types.ts'
import {
  CompleteProviderInput,
  LinkIdentityInput,
  ProviderRedirect,
  StartProviderInput,
} from '../../sign-in/provider.types.ts'
import { completeProviderLink, linkIdentity, startProviderLink } from './link-identity.ts'
import {
  completeProviderReauthentication,
  startProviderReauthentication,
} from './reauthenticate-with-provider.ts'
import { unlinkIdentity } from './unlink-identity.ts'

const START = { description: 'The provider, and where to return.' } as const
const RETURNED = {
  description: 'The code and its verifier. The options for a session have no effect.',
} as const

@Resolver()
export class IdentitiesResolver {
  @Extensions({ sensitive: true })
  @Authorized()
  @Mutation(() => ProviderRedirect, {
    description: withExample(
      'Begins to connect an account at a provider to yours: open `url` in the browser. Requires a recent sign-in and a verified address.',
      'mutation StartProviderLink($challenge: String!) { startProviderLink(input: { provider: "google", returnTo: "https://app.example.com/account", codeChallenge: $challenge }) { url expiresAt } }',
    ),
  })
  startProviderLink(
    @Ctx() context: Context,
    @Arg('input', () => StartProviderInput, START) input: StartProviderInput,
  ): Promise<ProviderRedirect> {
    return startProviderLink(context, input)
  }

  @Extensions({ sensitive: true })
  @Authorized()
  @Mutation(() => IdentityType, {
    description: withExample(
      'Connects the identity. Only the session that began can do so. Fails with IDENTITY_TAKEN if another account has it.',
      'mutation CompleteProviderLink($code: String!, $verifier: String!) { completeProviderLink(input: { code: $code, codeVerifier: $verifier }) { id provider displayName email createdAt lastUsedAt } }',
    ),
  })
  async completeProviderLink(
    @Ctx() { app, viewer, request }: Context,
    @Arg('input', () => CompleteProviderInput, RETURNED) input: CompleteProviderInput,
  ): Promise<IdentityType> {
    return toIdentity(await completeProviderLink(app, input, await viewer(), request))
  }

  @Extensions({ sensitive: true })
  @Authorized()
  @Mutation(() => IdentityType, {
    description: withExample(
      'Connects the identity of a sign-in that ended with `ProviderLinkRequired` or `ProviderSignUpRequired` to the account that you have signed in to since. Requires a recent sign-in and a verified address.',
      'mutation LinkIdentity($ticket: String!) { linkIdentity(input: { ticket: $ticket }) { id provider } }',
    ),
  })
  async linkIdentity(
    @Ctx() { app, viewer, request }: Context,
    @Arg('input', () => LinkIdentityInput, { description: 'The ticket.' }) input: LinkIdentityInput,
  ): Promise<IdentityType> {
    return toIdentity(await linkIdentity(app, input, await viewer(), request))
  }

  @Extensions({ sensitive: true })
  @Authorized()
  @Mutation(() => UserType, {
    description: withExample(
      'Disconnects an identity from your account. Requires a recent sign-in, and ends your other sessions. Fails with CONFLICT for your last way to sign in.',
      'mutation UnlinkIdentity($id: ID!) { unlinkIdentity(id: $id) { id hasPassword identities { id provider } } }',
    ),
  })
  async unlinkIdentity(
    @Ctx() { app, viewer, request }: Context,
    @Arg('id', () => ID, { description: 'The ID of the identity.' }) id: string,
  ): Promise<UserType> {
    return toUser(await unlinkIdentity(app, id, await viewer(), request))
  }

  @Extensions({ sensitive: true, ...FOR_WEAK_SESSIONS })
  @Authorized()
  @Mutation(() => ProviderRedirect, {
    description: withExample(
      'Begins to confirm with a provider that you use this session, for operations that require a recent sign-in. The provider asks you again, if it can.',
      'mutation StartProviderReauthentication($challenge: String!) { startProviderReauthentication(input: { provider: "google", returnTo: "https://app.example.com/account", codeChallenge: $challenge }) { url expiresAt } }',
    ),
  })
  startProviderReauthentication(
    @Ctx() context: Context,
    @Arg('input', () => StartProviderInput, START) input: StartProviderInput,
  ): Promise<ProviderRedirect> {
    return startProviderReauthentication(context, input)
  }

  @Extensions({ sensitive: true, ...FOR_WEAK_SESSIONS })
  @Authorized()
  @Mutation(() => SessionType, {
    description: withExample(
      'Confirms the session with an identity of your account. It then stands for `PROVIDER` in the `accepts` of STEP_UP_REQUIRED. If another factor is listed with it, send that to `stepUp` afterward.',
      'mutation CompleteProviderReauthentication($code: String!, $verifier: String!) { completeProviderReauthentication(input: { code: $code, codeVerifier: $verifier }) { id authenticatedAt methods } }',
    ),
  })
  async completeProviderReauthentication(
    @Ctx() { app, viewer, request }: Context,
    @Arg('input', () => CompleteProviderInput, RETURNED) input: CompleteProviderInput,
  ): Promise<SessionType> {
    const session = await completeProviderReauthentication(app, input, await viewer(), request)
    return toSession(session, session.id)
  }
}
