import { type DatabaseContext, type Finding, ok, warn } from './finding.ts'

/** Beyond this, counting takes long. */
const COUNT_MAX = 10_000

/** Whether the events of the coming weeks have a partition, so that they can be dropped with it. */
export async function checkAuditLog({ pool }: DatabaseContext): Promise<Finding[]> {
  const { rows } = await pool.query<{ ready: boolean; until: Date | null; outside: number }>(
    `SELECT has_audit_partition(now()) AND has_audit_partition(now() + interval '31 days') AS ready,
       (SELECT max(ends_at) FROM audit_partitions()) AS until,
       (SELECT count(*)::int FROM (SELECT FROM audit_events_default LIMIT ${COUNT_MAX + 1}) counted) AS outside`,
  )
  const { ready = false, until = null, outside = 0 } = rows[0] ?? {}
  const findings: Finding[] = []
  if (!ready) {
    findings.push(
      warn(
        'The audit log has no partition for this month or the next.',
        'Start the server, which creates it. If that does not help, check its log for the cause.',
      ),
    )
  }
  if (outside > 0) {
    const count = outside > COUNT_MAX ? `More than ${COUNT_MAX}` : outside
    findings.push(
      warn(
        `${count} audit events are in none of the monthly partitions.`,
        'Nothing is lost, but they are deleted one by one. Check whether a clock was wrong, or whether the server was off for months.',
      ),
    )
  }
  if (findings.length > 0) return findings
  return [ok(`The audit log has partitions until ${until?.toISOString().slice(0, 10)}.`)]
}
