import type { App } from '../app.ts'
import type { AuditAction } from '../audit/actions.ts'
import { type Origin, record } from '../audit/record.ts'
import type { RequestFacts, Viewer } from '../context.ts'
import type { Queryable } from '../database/client.ts'
import type { Prisma, Session } from '../generated/prisma/client.ts'

export type Revocation = {
  action: AuditAction
  request: Origin
  actorId?: string | undefined
  detail?: Prisma.InputJsonObject
}

/**
 * Ends the live sessions that `where` selects, at once and for good, and returns them. What is ended and
 * what is recorded are one transaction: the caller's, where there is one.
 */
export function revokeSessions(
  app: App,
  where: Prisma.SessionWhereInput,
  revocation: Revocation,
  tx?: Queryable,
): Promise<Session[]> {
  return tx
    ? revokeWithin(app, where, revocation, tx)
    : app.db.$transaction(own => revokeWithin(app, where, revocation, own))
}

async function revokeWithin(
  app: App,
  where: Prisma.SessionWhereInput,
  { action, request, actorId, detail }: Revocation,
  tx: Queryable,
): Promise<Session[]> {
  const now = app.clock.now()
  const ended = await tx.session.updateManyAndReturn({
    where: { AND: [where, { revokedAt: null, expiresAt: { gt: now } }] },
    data: { revokedAt: now },
  })
  await record(
    tx,
    request,
    ...ended.map(session => ({
      action,
      at: now,
      actorId,
      subjectId: session.userId,
      detail: { sessionId: session.id, ...detail },
    })),
  )
  return ended
}

/** Ends a session of the viewer's own; undefined where there is none with this id. */
export async function revokeOwnSession(
  app: App,
  id: string,
  { account }: Viewer,
  request: RequestFacts,
): Promise<Session | undefined> {
  const own = { id, userId: account.id }
  const [ended] = await revokeSessions(app, own, { action: 'session.revoked', request, actorId: account.id })
  return ended ?? (await app.db.session.findFirst({ where: own })) ?? undefined
}
