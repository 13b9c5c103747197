import { Arg, Authorized, Ctx, Extensions, ID, Int, Mutation, Resolver } from 'type-graphql'
import type { Context } from '../context.ts'
import { withExample } from '../example.ts'
import { answerRefresh } from './refresh-request.ts'
import { requireSession } from './require-session.ts'
import { revokeOwnSession, revokeOwnSessions } from './revoke-own.ts'
import { AuthPayload, RefreshTokenInput, SessionType, toSession } from './sessions.types.ts'

@Resolver()
export class SessionsResolver {
  @Extensions({ sensitive: true })
  @Mutation(() => AuthPayload, {
    description: withExample(
      'Exchanges the refresh token, from the input or the cookie, for a new pair of tokens. Each refresh token is valid for one exchange. If the response is lost, repeat the exchange. Fails with CONFLICT and `retryAfter` for the previous token right after a step-up. A token that proves that two clients share the session ends it.',
      'mutation Refresh($refreshToken: String) { refreshToken(input: { refreshToken: $refreshToken }) { accessToken tokenType accessTokenExpiresAt refreshToken refreshTokenExpiresAt session { id expiresAt } } }',
    ),
  })
  refreshToken(
    @Ctx() context: Context,
    @Arg('input', () => RefreshTokenInput, {
      nullable: true,
      description: 'For clients that store the refresh token themselves.',
    })
    input?: RefreshTokenInput | null,
  ): Promise<AuthPayload> {
    return answerRefresh(context, input)
  }

  @Authorized()
  @Mutation(() => SessionType, {
    description: withExample(
      'Immediately ends one of your sessions and its access tokens. A session that has already ended is returned unchanged.',
      'mutation RevokeSession($id: ID!) { revokeSession(id: $id) { id current deviceName ipAddress userAgent createdAt lastUsedAt expiresAt authenticatedAt revokedAt impersonated } }',
    ),
  })
  async revokeSession(
    @Ctx() { app, viewer, request }: Context,
    @Arg('id', () => ID, { description: 'The ID of the session, from `me { sessions { id } }`.' }) id: string,
  ): Promise<SessionType> {
    const caller = await viewer()
    const { session } = requireSession(caller)
    return toSession(await revokeOwnSession(app, id, caller.account.id, request), session.id)
  }

  @Authorized()
  @Mutation(() => Int, {
    description: withExample(
      'Ends all your sessions except the current one and returns how many ended.',
      'mutation RevokeOthers { revokeOtherSessions }',
    ),
  })
  async revokeOtherSessions(@Ctx() { app, viewer, request }: Context): Promise<number> {
    const caller = await viewer()
    const { session } = requireSession(caller)
    return revokeOwnSessions(app, { userId: caller.account.id, keptId: session.id }, request)
  }

  @Authorized()
  @Mutation(() => Int, {
    description: withExample(
      'Ends all your sessions, including the current one, and returns how many ended.',
      'mutation RevokeAll { revokeAllSessions }',
    ),
  })
  async revokeAllSessions(@Ctx() { app, viewer, request }: Context): Promise<number> {
    const { account } = await viewer()
    return revokeOwnSessions(app, { userId: account.id }, request)
  }
}
