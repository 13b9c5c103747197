import {
  Arg,
  Authorized,
  Ctx,
  Extensions,
  FieldResolver,
  ID,
  Int,
  Mutation,
  Resolver,
  Root,
} from 'type-graphql'
import { z } from 'zod'
import { UserType } from '../accounts/accounts.types.ts'
import type { Context } from '../context.ts'
import { isId } from '../database/client.ts'
import { AuthError } from '../errors.ts'
import { withExample } from '../example.ts'
import { checkInput } from '../input.ts'
import { networkOf } from '../network/address.ts'
import { countAttempt } from '../rate-limit/limit.ts'
import { issueTokens, TokenTransport } from './issue.ts'
import { liveSessions } from './list-sessions.ts'
import { refreshSession } from './refresh.ts'
import { revokeOwnSession, revokeSessions } from './revoke.ts'
import { AuthPayload, RefreshTokenInput, SessionType, toSession } from './sessions.types.ts'

const refreshInput = z
  .object({
    refreshToken: z.string().nullish(),
    accessTokenTtlSeconds: z.int().min(1, 'Ask for at least 1 second.').nullish(),
  })
  .nullish()

@Resolver()
export class SessionsResolver {
  @Extensions({ sensitive: true })
  @Mutation(() => AuthPayload, {
    description: withExample(
      'Exchanges the refresh token, from the input or the cookie, for a new pair. Each is valid for one exchange. You can repeat an exchange whose answer was lost; a token that shows two holders ends the session.',
      'mutation Refresh($refreshToken: String) { refreshToken(input: { refreshToken: $refreshToken }) { accessToken tokenType accessTokenExpiresAt refreshToken refreshTokenExpiresAt session { id expiresAt } } }',
    ),
  })
  async refreshToken(
    @Ctx() context: Context,
    @Arg('input', () => RefreshTokenInput, {
      nullable: true,
      description: 'For clients that keep the refresh token.',
    })
    input?: RefreshTokenInput | null,
  ): Promise<AuthPayload> {
    const { app, request, response } = context
    const { refreshToken, accessTokenTtlSeconds } = checkInput(refreshInput, input) ?? {}
    const token = refreshToken || request.refreshCookie
    const fromCookie = !refreshToken && request.refreshCookie !== undefined
    // Every page that asks whether somebody is signed in does this. It guesses at nothing, so it does not count.
    if (!token) throw new AuthError('REFRESH_TOKEN_INVALID', { cause: 'missing' })
    try {
      const refreshed = await refreshSession(app, token, request)
      const transport = fromCookie ? TokenTransport.COOKIE : TokenTransport.BODY
      return await issueTokens(context, refreshed, transport, { accessTtlSeconds: accessTokenTtlSeconds })
    } catch (error) {
      if (!(error instanceof AuthError) || error.code !== 'REFRESH_TOKEN_INVALID') throw error
      if (fromCookie) response.clearRefreshCookie()
      // A token that is good never counts: a network that somebody else floods from stays signed in.
      await countAttempt(app, [{ rule: 'refresh.network', subject: networkOf(request.ipAddress) }], request)
      throw error
    }
  }

  @Authorized()
  @Mutation(() => SessionType, {
    description: withExample(
      'Ends one of the own sessions at once, its access tokens too. One that has ended already is returned as it is.',
      'mutation RevokeSession($id: ID!) { revokeSession(id: $id) { id current deviceName ipAddress userAgent createdAt lastUsedAt expiresAt authenticatedAt revokedAt } }',
    ),
  })
  async revokeSession(
    @Ctx() context: Context,
    @Arg('id', () => ID, { description: 'The session’s id, from `me { sessions { id } }`.' }) id: string,
  ): Promise<SessionType> {
    const { account, via } = await context.viewer()
    const session = isId(id) && (await revokeOwnSession(context.app, id, account.id, context.request))
    if (!session) throw new AuthError('NOT_FOUND', { message: 'You have no session with this id.' })
    return toSession(session, via.session.id)
  }

  @Authorized()
  @Mutation(() => Int, {
    description: withExample(
      'Ends all of the own sessions but this one, and says how many.',
      'mutation RevokeOthers { revokeOtherSessions }',
    ),
  })
  async revokeOtherSessions(@Ctx() context: Context): Promise<number> {
    const { via } = await context.viewer()
    return this.#revoke(context, via.session.id)
  }

  @Authorized()
  @Mutation(() => Int, {
    description: withExample(
      'Ends all of the own sessions, this one too, and says how many.',
      'mutation RevokeAll { revokeAllSessions }',
    ),
  })
  revokeAllSessions(@Ctx() context: Context): Promise<number> {
    return this.#revoke(context)
  }

  async #revoke(context: Context, keptId?: string): Promise<number> {
    const { account } = await context.viewer()
    return revokeSessions(
      context.app,
      { userId: account.id, keptId },
      { action: 'session.revoked', request: context.request, actorId: account.id },
    )
  }
}

/** As many as the objects that a document may ask for: how many sessions an account has is not known before. */
const SHOWN_MAX = 5000
const shown = new WeakMap<Context['request'], number>()

/** @throws AuthError QUERY_TOO_COMPLEX when the lists of one request add up to more than 5,000 sessions */
function countShown({ request }: Context, count: number): void {
  const total = (shown.get(request) ?? 0) + count
  shown.set(request, total)
  if (total <= SHOWN_MAX) return
  const message = `The answer would hold more than ${SHOWN_MAX} sessions. Ask for fewer accounts in one request.`
  throw new AuthError('QUERY_TOO_COMPLEX', { message })
}

@Resolver(() => UserType)
export class UserSessionsResolver {
  @Authorized('self', 'users:read')
  @FieldResolver(() => [SessionType], {
    description: 'The live sessions, the latest used first; at most SESSIONS_MAX.',
  })
  async sessions(@Root() user: UserType, @Ctx() context: Context): Promise<SessionType[]> {
    const currentId = context.isRevealed(user)
      ? context.revealedBy(user)
      : (await context.viewer()).via.session.id
    const sessions = await liveSessions(context.app, user.id)
    countShown(context, sessions.length)
    return sessions.map(session => toSession(session, currentId))
  }
}
