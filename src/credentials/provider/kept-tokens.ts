import { setTimeout } from 'node:timers/promises'
import type { App } from '../../app.ts'
import { addSeconds } from '../../clock.ts'
import { statement } from '../../database/client.ts'
import { AuthError } from '../../errors.ts'
import { failureOf } from './failure.ts'
import type { ProviderSettings, ProviderTokens } from './provider.ts'
import { openTokens, refreshTokens, sealTokens } from './tokens.ts'

/** A token that expires sooner could expire on its way. */
const USABLE_SECONDS = 60
/** Longer than a provider can take. After it, another process may refresh: the one with the lease has died. */
const LEASE_SECONDS = 30
/** How long a request waits for the process that refreshes. */
const WAIT_MS = 8000
const POLL_MS = 150

type Row = [id: string, sealed: string, version: number]

const select = statement<Row>(
  'kept-tokens',
  `SELECT id, sealed_tokens, token_version FROM identities
   WHERE user_id = $1 AND provider = $2 AND sealed_tokens IS NOT NULL ORDER BY last_used_at DESC, id LIMIT 1`,
)

const lease = statement(
  'kept-tokens-lease',
  `UPDATE identities SET refreshing_until = $3
   WHERE id = $1 AND token_version = $2 AND (refreshing_until IS NULL OR refreshing_until <= $4) RETURNING 1`,
)

const store = statement(
  'kept-tokens-store',
  `UPDATE identities SET sealed_tokens = $3, token_version = token_version + 1, refreshing_until = NULL
   WHERE id = $1 AND token_version = $2 RETURNING 1`,
)

const release = statement(
  'kept-tokens-release',
  'UPDATE identities SET refreshing_until = NULL WHERE id = $1 AND token_version = $2',
)

/**
 * The tokens that a provider issued for an account, refreshed if they are about to expire. However many replicas are
 * asked at the same time, one of them refreshes, because many providers accept a refresh token once; the others wait
 * for it.
 * @throws AuthError NOT_FOUND if none are kept or the provider has ended them; PROVIDER_FAILED; SERVICE_UNAVAILABLE
 */
export async function usableTokens(
  app: App,
  provider: ProviderSettings,
  userId: string,
): Promise<ProviderTokens> {
  const deadline = performance.now() + WAIT_MS
  do {
    const [row] = await select(app.pool, [userId, provider.id])
    if (!row) throw noTokens()
    const [id, sealed, version] = row
    const tokens = openTokens(app, provider.id, sealed)
    const now = app.clock.now()
    if (tokens.expiresAt === null || tokens.expiresAt > addSeconds(now, USABLE_SECONDS)) return tokens
    if (tokens.refreshToken === null) throw noTokens()
    const [leased] = await lease(app.pool, [id, version, addSeconds(now, LEASE_SECONDS), now])
    const refreshed = leased ? await refresh(app, provider, tokens, id, version) : undefined
    if (refreshed) return refreshed
    await setTimeout(POLL_MS)
  } while (performance.now() < deadline)
  throw new AuthError('SERVICE_UNAVAILABLE', { extensions: { retryAfter: 1 } })
}

/** Refreshes under the lease. Undefined if a sign-in has stored newer tokens, or the identity has left. */
async function refresh(
  app: App,
  provider: ProviderSettings,
  before: ProviderTokens,
  id: string,
  version: number,
): Promise<ProviderTokens | undefined> {
  try {
    const tokens = await refreshTokens(app, provider, before)
    const [stored] = await store(app.pool, [id, version, sealTokens(app, provider.id, tokens)])
    return stored && tokens
  } catch (error) {
    const ended = failureOf(error)?.code === 'invalid_grant'
    await (ended ? store(app.pool, [id, version, null]) : release(app.pool, [id, version]))
    throw ended ? noTokens() : error
  }
}

function noTokens(): AuthError {
  return new AuthError('NOT_FOUND', {
    message:
      'There is no valid token of this provider for this account. Ask its owner to sign in with the provider again.',
  })
}
