import { type DatabaseContext, type Finding, ok, warn } from './finding.ts'

/** Whether events reach the webhooks. */
export async function checkWebhooks({ pool }: DatabaseContext): Promise<Finding[]> {
  const { rows } = await pool.query<{ host: string; failures: number; queued: number; failed: number }>(
    `SELECT coalesce(substring(w.url from '^https?://([^/?#]+)'), 'onEvent') AS host, w.failures,
       count(*) FILTER (WHERE d.status = 'queued')::int AS queued, count(*) FILTER (WHERE d.status = 'failed')::int AS failed
     FROM webhooks w LEFT JOIN webhook_deliveries d ON d.webhook_id = w.id
     WHERE w.enabled GROUP BY w.id ORDER BY w.id`,
  )
  if (rows.length === 0) return [ok('There are no webhooks.')]
  return rows.map(({ host, failures, queued, failed }) => {
    if (failures > 0) {
      return warn(
        `${host}: the last ${failures === 1 ? 'attempt' : `${failures} attempts`} failed. Events in the queue: ${queued}.`,
        'The server keeps trying for three days. Check whether the address answers with a status from 200 to 299.',
      )
    }
    if (failed > 0) {
      return warn(
        `${host}: events that could not be delivered: ${failed}.`,
        'See why with: authograph webhooks failed. Then send them again with: authograph webhooks retry --all',
      )
    }
    return ok(`${host}: events in the queue: ${queued}.`)
  })
}
