import type { Queryable } from '../database/client.ts'

/** Few enough for the time that a statement has. */
const BATCH = 2000

/**
 * Strips the events of an account that is gone of personal data: the addresses and devices of its own doing, and
 * the details of what was done to it. The database lets events forget this much, of such accounts, and change in
 * no other way.
 */
export async function forgetPerson(tx: Queryable, userId: string): Promise<void> {
  let stripped: number
  do {
    stripped = await tx.$executeRaw`
      UPDATE audit_events SET
        ip_address = CASE WHEN actor_id IS NULL OR actor_id = ${userId}::uuid THEN NULL ELSE ip_address END,
        user_agent = CASE WHEN actor_id IS NULL OR actor_id = ${userId}::uuid THEN NULL ELSE user_agent END,
        detail = CASE WHEN subject_id = ${userId}::uuid THEN '{}' ELSE detail END
      WHERE id IN (
        SELECT id FROM audit_events WHERE (actor_id = ${userId}::uuid OR subject_id = ${userId}::uuid) AND (
          (subject_id = ${userId}::uuid AND detail <> '{}')
          OR ((actor_id IS NULL OR actor_id = ${userId}::uuid) AND num_nonnulls(ip_address, user_agent) > 0)
        ) LIMIT ${BATCH}
      )`
  } while (stripped === BATCH)
}
