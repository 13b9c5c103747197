import type { App } from '../app.ts'
import type { Session } from '../generated/prisma/client.ts'

/** The user's live sessions, the latest used first. */
export function liveSessions(app: App, userId: string): Promise<Session[]> {
  return app.db.session.findMany({
    where: { userId, revokedAt: null, expiresAt: { gt: app.clock.now() } },
    orderBy: [{ lastUsedAt: 'desc' }, { id: 'desc' }],
  })
}
