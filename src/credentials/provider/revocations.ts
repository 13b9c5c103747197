import pLimit from 'p-limit'
import type { App } from '../../app.ts'
import { runEvery, type StopBackgroundTask } from '../../background-task.ts'
import { addSeconds } from '../../clock.ts'
import { statement } from '../../database/client.ts'
import { AuthError } from '../../errors.ts'
import { failureOf } from './failure.ts'
import { findProvider, type ProviderSettings } from './provider.ts'
import { openTokens, revokeTokens } from './tokens.ts'

const INTERVAL_SECONDS = 15
const BATCH = 20
const CONCURRENCY = 4
/** The wait after each failed attempt. The last one repeats until the row expires, 30 days after it was queued. */
const WAIT_SECONDS = [60, 300, 1800, 7200, 21_600]

type Claimed = [id: string, provider: string, sealed: string, attempts: number]

/** A lease rather than a lock, so that no transaction stays open while a provider is slow. */
const claim = statement<Claimed>(
  'revocations-claim',
  `WITH due AS MATERIALIZED (
     SELECT id FROM provider_revocations WHERE next_attempt_at <= $1 AND expires_at > $1
     ORDER BY next_attempt_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED
   )
   UPDATE provider_revocations r SET attempts = r.attempts + 1, next_attempt_at = $2
   FROM due WHERE r.id = due.id RETURNING r.id, r.provider, r.sealed_token, r.attempts`,
)

const done = statement('revocations-done', 'DELETE FROM provider_revocations WHERE id = $1')
const tryLater = statement(
  'revocations-try-later',
  'UPDATE provider_revocations SET next_attempt_at = $2, last_error = $3 WHERE id = $1',
)

/**
 * Revokes the tokens of identities that have left, at their providers. The database queues them in the transaction that
 * deletes the identity. What a provider does not take is tried again for 30 days. Returns the number of revoked tokens.
 */
export async function revokeQueued(app: App, stopping?: AbortSignal): Promise<number> {
  const limit = pLimit(CONCURRENCY)
  let revoked = 0
  let claimed: Claimed[]
  do {
    const now = app.clock.now()
    claimed = await claim(app.pool, [now, addSeconds(now, WAIT_SECONDS[0] ?? 60)])
    const outcomes = await Promise.all(claimed.map(row => limit(() => revoke(app, row))))
    revoked += outcomes.filter(Boolean).length
  } while (claimed.length === BATCH && !stopping?.aborted)
  return revoked
}

/** Resolves to whether the provider has revoked the tokens. */
async function revoke(app: App, [id, providerId, sealed, attempts]: Claimed): Promise<boolean> {
  try {
    const provider = findProvider(app, providerId)
    if (!provider) throw new Error('not in PROVIDERS')
    const revoked = await revokeAll(app, provider, sealed)
    await done(app.pool, [id])
    return revoked
  } catch (error) {
    const reason =
      error instanceof AuthError ? String(failureOf(error)?.message ?? error.code) : reasonOf(error)
    const waitSeconds = WAIT_SECONDS[Math.min(attempts, WAIT_SECONDS.length) - 1] ?? 0
    await tryLater(app.pool, [id, addSeconds(app.clock.now(), waitSeconds), reason])
    app.log.warn({ provider: providerId, reason }, 'could not revoke tokens; it will be tried again')
    return false
  }
}

function revokeAll(app: App, provider: ProviderSettings, sealed: string): Promise<boolean> {
  return revokeTokens(app, provider, openTokens(app, provider.id, sealed))
}

/** Without what an unknown error may quote. */
function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.slice(0, 200) : 'unknown'
}

/** Revokes in the background until it is stopped. */
export function startRevocations(app: App): StopBackgroundTask {
  if (app.config.providers.length === 0) return async () => {}
  return runEvery(app, INTERVAL_SECONDS, revokeQueued, 'could not revoke tokens at providers')
}
