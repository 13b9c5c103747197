import { LRUCache } from 'lru-cache'
import type { App } from '../app.ts'
import { record } from '../audit/record.ts'
import type { RequestInfo } from '../context.ts'
import type { Queryable } from '../database/client.ts'
import type { Session } from '../generated/prisma/client.ts'
import { networkOf } from '../network/address.ts'

/** The races that were recorded last, so that repeating a token does not fill the audit log. */
const recordedRaces = new LRUCache<string, true>({ max: 10_000 })

/**
 * Records a race from another network or device. Within the seconds of a race, a thief looks like the client; the event
 * shows where the request came from.
 */
export async function recordRace(
  app: App,
  session: Session,
  generation: number,
  now: Date,
  request: RequestInfo,
): Promise<void> {
  const race = `${session.id}.${generation}`
  if (!isElsewhere(session, request) || recordedRaces.has(race)) return
  recordedRaces.set(race, true)
  await recordRefresh(app.db, 'session.refresh_repeated', session, generation, now, request)
}

/** Whether a request comes from a different network or device than the previous rotation. */
export function isElsewhere({ ipAddress, userAgent }: Session, request: RequestInfo): boolean {
  return (
    networkOf(ipAddress ?? undefined) !== networkOf(request.ipAddress) ||
    userAgent !== (request.userAgent ?? null)
  )
}

export function recordRefresh(
  db: Queryable,
  action: 'session.refresh_repeated' | 'session.refresh_ahead',
  { id: sessionId, userId: subjectId }: Session,
  generation: number,
  at: Date,
  request: RequestInfo,
): Promise<void> {
  return record(db, request, { action, at, subjectId, detail: { sessionId, generation } })
}
