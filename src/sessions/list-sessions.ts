import DataLoader from 'dataloader'
import type { App } from '../app.ts'
import { statement } from '../database/client.ts'
import type { Session } from '../generated/prisma/client.ts'
import { selectedColumns, toSessionRecord } from './find-session.ts'
import { isLive } from './live.ts'

const loaders = new WeakMap<App, DataLoader<string, Session[]>>()

/**
 * The account's live sessions, most recently used first: at most SESSIONS_MAX, even if an account from before that limit
 * has more. Calls in the same turn of the event loop, such as those of a list of users, share one query.
 */
export function liveSessions(app: App, userId: string): Promise<Session[]> {
  const loader =
    loaders.get(app) ??
    // Not cached, so that a later request sees the sessions that are live then.
    new DataLoader<string, Session[]>(userIds => sessionsOf(app, userIds), { cache: false })
  loaders.set(app, loader)
  return loader.load(userId)
}

const selectLive = statement(
  'live-sessions',
  `SELECT l.* FROM unnest($1::uuid[]) AS requested (id) JOIN users u ON u.id = requested.id
   CROSS JOIN LATERAL (
     SELECT ${selectedColumns} FROM sessions s WHERE s.user_id = u.id AND ${isLive('$2')}
     ORDER BY s.last_used_at DESC, s.id DESC LIMIT $3
   ) l ORDER BY l.last_used_at DESC, l.id DESC`,
)

async function sessionsOf(app: App, userIds: readonly string[]): Promise<Session[][]> {
  const ids = [...new Set(userIds)]
  const rows = await selectLive(app.pool, [ids, app.clock.now(), app.config.sessions.max])
  const byUser = new Map<string, Session[]>(ids.map(id => [id, []]))
  for (const session of rows.map(toSessionRecord)) byUser.get(session.userId)?.push(session)
  return userIds.map(id => byUser.get(id) ?? [])
}
