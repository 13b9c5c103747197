import { z } from 'zod'
import type { App } from '../app.ts'
import type { Context, RequestInfo } from '../context.ts'
import { proofRefused, proveKey, wantsNonce } from '../dpop/prove-key.ts'
import { AuthError } from '../errors.ts'
import { checkInput } from '../input.ts'
import { networkOf } from '../network/address.ts'
import { countAttempt } from '../rate-limit/limit.ts'
import { issueTokens } from './issue.ts'
import { refreshSession } from './refresh.ts'
import type { AuthPayload } from './sessions.types.ts'
import { deliverTokens, presentedRefreshToken, TokenTransport } from './token-transport.ts'

const schema = z
  .object({
    refreshToken: z.string().nullish(),
    accessTokenTtlSeconds: z.int().min(1, 'Use at least 1 second.').nullish(),
  })
  .nullish()

/**
 * Answers a request for new tokens. They travel the way the old refresh token came. An invalid token clears the cookie
 * that it came from and counts against the client's network; one without its key leaves the cookie, because the session continues. A missing token counts for nothing: every page that
 * checks for a session sends such a request, and it guesses at nothing.
 * @throws AuthError BAD_USER_INPUT, REFRESH_TOKEN_INVALID; RATE_LIMITED instead of REFRESH_TOKEN_INVALID
 */
export async function answerRefresh(context: Context, input: unknown): Promise<AuthPayload> {
  const { app, request, response } = context
  const { refreshToken, accessTokenTtlSeconds } = checkInput(schema, input) ?? {}
  const { token, transport } = presentedRefreshToken(request, refreshToken)
  try {
    if (proveKey(app, request, 'REFRESH_TOKEN_INVALID')?.accessTokenHash !== undefined)
      throw proofRefused('REFRESH_TOKEN_INVALID', 'DPOP_INVALID')
    const refreshed = await refreshSession(app, token, request)
    const tokens = await issueTokens(app, refreshed, accessTokenTtlSeconds)
    return deliverTokens(context, tokens, transport)
  } catch (error) {
    if (!(error instanceof AuthError) || error.code !== 'REFRESH_TOKEN_INVALID') throw error
    // Without a recent nonce, nothing was tried. The client sends it again.
    if (wantsNonce(error)) throw error
    // A cookie without its key may be a request of another program in the same browser.
    const isOver = error.extensions.reason === undefined
    if (isOver && transport === TokenTransport.COOKIE) response.clearRefreshCookie()
    await countInvalidToken(app, request)
    throw error
  }
}

/** Valid tokens never count, so a network that an attacker floods from stays signed in. */
async function countInvalidToken(app: App, request: RequestInfo): Promise<void> {
  await countAttempt(app, [{ rule: 'refresh.network', subject: networkOf(request.ipAddress) }], request)
}
