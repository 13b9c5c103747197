import { LRUCache } from 'lru-cache'
import type { App } from '../app.ts'
import { addSeconds } from '../clock.ts'
import { type EventOrigin, record } from './record.ts'

const INTERVAL_SECONDS = 60
/** The time of the last event for each account and field, most recent only. */
const lastRecorded = new LRUCache<string, Date>({ max: 10_000 })

/**
 * Records that an account was denied access to a GraphQL field: at most once a minute for each account and field, so that
 * repeated attempts can't fill the audit log.
 */
export async function recordDeniedAccess(
  app: App,
  origin: EventOrigin,
  actorId: string,
  field: string,
): Promise<void> {
  const now = app.clock.now()
  const key = `${actorId} ${field}`
  const last = lastRecorded.get(key)
  if (last && last > addSeconds(now, -INTERVAL_SECONDS)) return
  lastRecorded.set(key, now)
  await record(app.db, origin, { action: 'access.denied', at: now, actorId, detail: { field } })
}
