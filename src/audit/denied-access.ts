import { LRUCache } from 'lru-cache'
import type { App } from '../app.ts'
import { addSeconds } from '../clock.ts'
import { type EventOrigin, record } from './record.ts'

const INTERVAL_SECONDS = 60
/** When an account was last put on record for a field, of the accounts and fields that came last. */
const recorded = new LRUCache<string, Date>({ max: 10_000 })

/**
 * Puts on record that an account asked for what it may not do: at most once a minute for each account and
 * field, so that nobody can fill the audit log by asking on.
 */
export async function recordDeniedAccess(
  app: App,
  origin: EventOrigin,
  actorId: string,
  field: string,
): Promise<void> {
  const now = app.clock.now()
  const key = `${actorId} ${field}`
  const last = recorded.get(key)
  if (last && last > addSeconds(now, -INTERVAL_SECONDS)) return
  recorded.set(key, now)
  await record(app.db, origin, { action: 'access.denied', at: now, actorId, detail: { field } })
}
