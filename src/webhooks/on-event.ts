import type { App } from '../app.ts'
import { statement } from '../database/client.ts'
import { EVERY_EVENT } from './manage.ts'

/** The webhook that stands for the function `onEvent`: it has no address, and no one sees it. */
const PROGRAM = '00000000-0000-7000-8000-000000000001'

const subscribe = statement(
  'on-event-subscribe',
  `INSERT INTO webhooks (id, url, events, enabled, created_at) VALUES ('${PROGRAM}', NULL, $1, true, $2)
   ON CONFLICT (id) DO UPDATE SET enabled = true`,
)

const unsubscribe = statement(
  'on-event-unsubscribe',
  `UPDATE webhooks SET enabled = false WHERE id = '${PROGRAM}' AND enabled`,
)

/**
 * Queues events for the program from now on, if it has `onEvent`, and otherwise no longer. The program that started last
 * wins. What was queued before waits for a program that has it again.
 */
export async function subscribeProgram({ pool, clock, onEvent }: App): Promise<void> {
  if (onEvent) await subscribe(pool, [[EVERY_EVENT], clock.now()])
  else await unsubscribe(pool, [])
}
