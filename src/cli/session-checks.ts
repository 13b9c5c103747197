import { isLive } from '../sessions/live.ts'
import { type DatabaseContext, type Finding, ok, warn } from './finding.ts'

/** With REQUIRE_BOUND_SESSIONS, whether everyone with permissions has a session in which they can use them. */
export async function checkBoundSessions({ pool, config, now }: DatabaseContext): Promise<Finding[]> {
  if (!config.requireBoundSessions) return [ok('No session has to be bound to a key.')]
  const { rows } = await pool.query<{ people: number; without: number }>(
    `SELECT count(*)::int AS people, (count(*) FILTER (WHERE NOT EXISTS (
       SELECT FROM sessions s WHERE s.user_id = u.id AND s.key_thumbprint IS NOT NULL AND ${isLive('$1')}
     )))::int AS without
     FROM users u WHERE u.disabled_at IS NULL AND EXISTS (
       SELECT FROM user_roles ur JOIN roles r ON r.name = ur.role_name
       WHERE ur.user_id = u.id AND cardinality(r.permissions) > 0
     )`,
    [now()],
  )
  const { people = 0, without = 0 } = rows[0] ?? {}
  if (without === 0) return [ok('Everyone with permissions has a session that is bound to a key.')]
  return [
    warn(
      `${without} of ${people} people with permissions have no session that is bound to a key.`,
      'They cannot use their permissions until they sign in with a client that sends proofs of a key: see docs/tokens.md.',
    ),
  ]
}
