import { toUser } from '../accounts/accounts.types.ts'
import type { Account, Context, RequestInfo } from '../context.ts'
import { type Device, readDevice } from '../devices/device.ts'
import { AuthError } from '../errors.ts'
import type { Session } from '../generated/prisma/client.ts'
import type { IssuedTokens } from './issue.ts'
import { AuthPayload, toSession } from './sessions.types.ts'

/** Where the refresh token travels. The device token always travels the same way. */
export enum TokenTransport {
  BODY = 'BODY',
  COOKIE = 'COOKIE',
}

/** The device that the client presents at a sign-in: in the cookie for pages, in the input for apps. */
export function presentedDevice(
  { app, request }: Context,
  { tokenTransport, deviceToken }: { tokenTransport?: TokenTransport | null; deviceToken?: string | null },
): Device | undefined {
  return readDevice(app, tokenTransport === TokenTransport.COOKIE ? request.deviceCookie : deviceToken)
}

/**
 * The refresh token that the client presents: in the input, or else in the cookie.
 * @throws AuthError REFRESH_TOKEN_INVALID if there is neither
 */
export function presentedRefreshToken(
  { refreshCookie }: RequestInfo,
  inInput: string | null | undefined,
): { token: string; transport: TokenTransport } {
  if (inInput) return { token: inInput, transport: TokenTransport.BODY }
  if (refreshCookie) return { token: refreshCookie, transport: TokenTransport.COOKIE }
  throw new AuthError('REFRESH_TOKEN_INVALID', { cause: 'missing' })
}

/**
 * Hands tokens to the client: the refresh token, and after a sign-in the device token, go into cookies or into the
 * payload. The client has proved the account's ownership, so the rest of the response may show the account.
 */
export function deliverTokens(
  { response, reveal }: Context,
  tokens: IssuedTokens,
  transport: TokenTransport | null | undefined,
  device?: Device,
): AuthPayload {
  const { session, account } = tokens
  const inCookie = transport === TokenTransport.COOKIE
  if (inCookie) {
    response.setRefreshCookie(tokens.refreshToken, session.remembered ? session.expiresAt : undefined)
    if (device) response.setDeviceCookie(device.token)
  }
  const user = toUser(account)
  reveal(user, session.id)
  const payload = Object.assign(new AuthPayload(), {
    accessToken: tokens.accessToken,
    tokenType: tokens.tokenType,
    accessTokenExpiresAt: tokens.accessTokenExpiresAt,
    refreshToken: inCookie ? null : tokens.refreshToken,
    refreshTokenExpiresAt: session.expiresAt,
    deviceToken: inCookie ? null : (device?.token ?? null),
    session: toSession(session, session.id),
    user,
  })
  if (device) signedIn.set(payload, { session, device })
  return payload
}

/** Hands only the access token to a client: the session has no other. `impersonator` acts as its user. */
export function deliverAccessToken(
  { reveal }: Context,
  { session, account, accessToken, accessTokenExpiresAt, tokenType }: IssuedTokens,
  impersonator: Account,
): AuthPayload {
  const user = Object.assign(toUser(account), { impersonator })
  reveal(user, session.id)
  return Object.assign(new AuthPayload(), {
    accessToken,
    tokenType,
    accessTokenExpiresAt,
    refreshToken: null,
    refreshTokenExpiresAt: session.expiresAt,
    deviceToken: null,
    session: toSession(session, session.id),
    user,
  })
}

type SignedIn = { session: Session; device: Device }
const signedIn = new WeakMap<AuthPayload, SignedIn>()

/** The session of a payload, and the device that signed in; undefined if the payload is not of a sign-in. */
export function signedInOf(payload: AuthPayload): SignedIn | undefined {
  return signedIn.get(payload)
}
