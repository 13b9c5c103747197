import { addSeconds } from '../clock.ts'
import { type DatabaseContext, type Finding, ok, warn } from './finding.ts'

const IDLE_SECONDS = 90 * 86_400

/** Whether API keys that never expire lie unused: no one would notice if they leaked. */
export async function checkApiKeys({ pool, now }: DatabaseContext): Promise<Finding[]> {
  const { rows } = await pool.query<{ all: number; idle: number }>(
    `SELECT count(*)::int AS all,
       (count(*) FILTER (WHERE expires_at IS NULL AND coalesce(last_used_at, created_at) <= $1))::int AS idle
     FROM api_keys`,
    [addSeconds(now(), -IDLE_SECONDS)],
  )
  const { all = 0, idle = 0 } = rows[0] ?? {}
  if (idle === 0) return [ok(`API keys: ${all}.`)]
  return [
    warn(
      `${idle} of ${all} API keys never expire and have not been used for 90 days.`,
      'Ask their owners to delete them, or delete them with deleteUserApiKey. The query users has them: apiKeys { id lastUsedAt expiresAt }.',
    ),
  ]
}
