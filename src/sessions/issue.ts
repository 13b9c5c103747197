import { toUser } from '../accounts/accounts.types.ts'
import type { App } from '../app.ts'
import { signAccessToken } from '../keys/access-token.ts'
import { grantedIn } from './assurance.ts'
import type { SessionWithAccount } from './find-session.ts'
import { refreshTokenOf } from './refresh-token.ts'
import { assuranceClaims } from './strength.ts'
import { configuredClaims } from './token-claims.ts'

/** The tokens of a session at its current generation. */
export type IssuedTokens = SessionWithAccount & {
  accessToken: string
  accessTokenExpiresAt: Date
  /** `DPoP` if the access token is bound to a key (RFC 9449, section 5). */
  tokenType: 'Bearer' | 'DPoP'
  refreshToken: string
}

/**
 * Issues the tokens of a session at its current generation. The configuration caps `accessTtlSeconds`, and no access
 * token outlives its session. A session that is too weak for a role of its account gets no roles and permissions into it.
 * @throws Error if the embedding program adds a reserved claim
 */
export async function issueTokens(
  app: App,
  { session, account }: SessionWithAccount,
  accessTtlSeconds?: number | null,
  impersonatorId?: string,
): Promise<IssuedTokens> {
  const { tokens } = app.config
  const secondsLeft = Math.ceil((session.absoluteExpiresAt.getTime() - app.clock.now().getTime()) / 1000)
  const requested = accessTtlSeconds ?? tokens.accessTtlSeconds
  const ttlSeconds = Math.min(requested, tokens.accessMaxTtlSeconds, secondsLeft)
  const keyThumbprint = app.config.dpop === 'full' ? (session.keyThumbprint ?? undefined) : undefined
  const subject = {
    userId: account.id,
    sessionId: session.id,
    generation: session.generation,
    assurance: impersonatorId === undefined ? assuranceClaims(session) : undefined,
    impersonatorId,
    keyThumbprint,
  }
  // The administrator proved their own second factor before: see admin/users/impersonate-user.ts.
  const granted = impersonatorId === undefined ? grantedIn(app, session, account) : account
  const claims = { ...configuredClaims(app, granted), ...(await app.accessTokenClaims?.(toUser(granted))) }
  const access = signAccessToken(app, subject, ttlSeconds, claims)
  return {
    session,
    account,
    accessToken: access.token,
    accessTokenExpiresAt: access.expiresAt,
    tokenType: keyThumbprint === undefined ? 'Bearer' : 'DPoP',
    refreshToken: refreshTokenOf(app, session, session.generation),
  }
}
