import { addSeconds } from '../clock.ts'
import { type DatabaseContext, type Finding, ok, warn } from './finding.ts'

const IDLE_DAYS = 90

/** Whether service accounts can authenticate, and whether some with roles lie unused. */
export async function checkServices({ pool, now }: DatabaseContext): Promise<Finding[]> {
  const { rows } = await pool.query<{ name: string; is_stuck: boolean; is_idle: boolean }>(
    `SELECT s.name, s.secret_hash IS NULL AND s.public_keys = '[]' AS is_stuck,
       coalesce(s.last_used_at, s.created_at) <= $1
         AND EXISTS (SELECT FROM service_account_roles r WHERE r.service_account_id = s.id) AS is_idle
     FROM service_accounts s ORDER BY s.name`,
    [addSeconds(now(), -IDLE_DAYS * 86_400)],
  )
  const findings: Finding[] = []
  const stuck = rows.filter(row => row.is_stuck).map(({ name }) => name)
  if (stuck.length > 0) {
    findings.push(
      warn(
        `Service accounts without a secret or a key: ${stuck.join(', ')}. They can’t authenticate.`,
        'Give each a secret with: authograph services rotate-secret ID',
      ),
    )
  }
  const idle = rows.filter(row => row.is_idle && !row.is_stuck).map(({ name }) => name)
  if (idle.length > 0) {
    findings.push(
      warn(
        `Service accounts that have received no token for ${IDLE_DAYS} days: ${idle.join(', ')}.`,
        'Delete those that no program needs with: authograph services delete ID',
      ),
    )
  }
  return findings.length > 0 ? findings : [ok(`Service accounts: ${rows.length}.`)]
}
