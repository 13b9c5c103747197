import { toUser } from '../accounts/accounts.types.ts'
import type { Context } from '../context.ts'
import { type Device, readDevice } from '../devices/device.ts'
import { signAccessToken } from '../keys/access-token.ts'
import type { SessionWithAccount } from './find-session.ts'
import { refreshTokenOf } from './refresh-token.ts'
import { AuthPayload, toSession } from './sessions.types.ts'

/** Where the refresh token travels. */
export enum TokenTransport {
  BODY = 'BODY',
  COOKIE = 'COOKIE',
}

/** The device that a client presents: pages by their cookie, apps by what they keep. Not the one by the other's. */
export function presentedDevice(
  { app, request }: Context,
  { tokenTransport, deviceToken }: { tokenTransport?: TokenTransport | null; deviceToken?: string | null },
): Device | undefined {
  return readDevice(app, tokenTransport === TokenTransport.COOKIE ? request.deviceCookie : deviceToken)
}

/**
 * The tokens of a session at its current generation. No access token outlives its session's last day;
 * `accessTtlSeconds` is capped by the configuration. After a sign-in, `device` is what the client presents at its next.
 * @throws Error when the embedding program adds claims that it must not
 */
export async function issueTokens(
  context: Context,
  { session, account }: SessionWithAccount,
  transport: TokenTransport | null | undefined,
  { accessTtlSeconds, device }: { accessTtlSeconds?: number | null | undefined; device?: Device } = {},
): Promise<AuthPayload> {
  const { app, response } = context
  const { accessMaxTtlSeconds } = app.config.tokens
  const secondsLeft = Math.ceil((session.absoluteExpiresAt.getTime() - app.clock.now().getTime()) / 1000)
  const wanted = accessTtlSeconds ?? app.config.tokens.accessTtlSeconds
  const ttlSeconds = Math.min(wanted, accessMaxTtlSeconds, secondsLeft)
  const user = toUser(account)
  const claims = await app.accessTokenClaims?.(user)
  const access = signAccessToken(
    app,
    { userId: account.id, sessionId: session.id, generation: session.generation },
    ttlSeconds,
    claims,
  )
  const refreshToken = refreshTokenOf(app, session, session.generation)
  const inCookie = transport === TokenTransport.COOKIE
  if (inCookie) response.setRefreshCookie(refreshToken, session.remembered ? session.expiresAt : undefined)
  if (inCookie && device) response.setDeviceCookie(device.token)
  context.reveal(user, session.id)
  return Object.assign(new AuthPayload(), {
    accessToken: access.token,
    tokenType: 'Bearer',
    accessTokenExpiresAt: access.expiresAt,
    refreshToken: inCookie ? null : refreshToken,
    refreshTokenExpiresAt: session.expiresAt,
    deviceToken: inCookie ? null : (device?.token ?? null),
    session: toSession(session, session.id),
    user,
  })
}
