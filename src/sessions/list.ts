import DataLoader from 'dataloader'
import type { App } from '../app.ts'
import type { Session } from '../generated/prisma/client.ts'

const loaders = new WeakMap<App, DataLoader<string, Session[]>>()

/** The user's live sessions, the latest used first. What is asked for at once, as by a list of users, is one query. */
export function liveSessions(app: App, userId: string): Promise<Session[]> {
  const loader =
    loaders.get(app) ??
    // Nothing is remembered: who asks later is told what is live then.
    new DataLoader<string, Session[]>(userIds => sessionsOf(app, userIds), { cache: false })
  loaders.set(app, loader)
  return loader.load(userId)
}

async function sessionsOf(app: App, userIds: readonly string[]): Promise<Session[][]> {
  const sessions = await app.db.session.findMany({
    where: { userId: { in: [...userIds] }, revokedAt: null, expiresAt: { gt: app.clock.now() } },
    orderBy: [{ lastUsedAt: 'desc' }, { id: 'desc' }],
  })
  return userIds.map(id => sessions.filter(session => session.userId === id))
}
