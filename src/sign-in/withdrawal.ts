import { deleteAccountOf } from '../accounts/delete.ts'
import type { App } from '../app.ts'
import { forgetPerson } from '../audit/forget.ts'
import { record } from '../audit/record.ts'
import type { RequestFacts, Viewer } from '../context.ts'
import type { AuditEvent, Session } from '../generated/prisma/client.ts'
import { requireFresh } from '../sessions/fresh.ts'
import { deleteSessionsOf } from '../sessions/tidy.ts'

/**
 * Deletes the viewer's account with everything that belongs to it.
 * @throws AuthError REAUTHENTICATION_REQUIRED; CONFLICT for the last administrator; NOT_FOUND when it was deleted
 *   meanwhile
 */
export async function deleteAccount(app: App, viewer: Viewer, request: RequestFacts): Promise<void> {
  requireFresh(app, viewer)
  const { id } = viewer.account
  const erased = await app.db.$transaction(tx => deleteAccountOf(app, tx, id, { actorId: id, request }))
  await deleteSessionsOf(app, id)
  await forgetPerson(app, erased)
}

/** Few enough for the time that a statement has. */
const BATCH = 5000

/**
 * The viewer's own data as JSON text (GDPR, articles 15 and 20): profile, public metadata, sessions, which mails were
 * written lately, and what the audit log has on the account. Not the private metadata, nor why the account was
 * disabled: these are the administration's to judge, for they may be about others too. Nothing secret, and nobody
 * else's address.
 * @throws AuthError REAUTHENTICATION_REQUIRED
 */
export async function exportAccount(app: App, viewer: Viewer, request: RequestFacts): Promise<string> {
  requireFresh(app, viewer)
  const { account } = viewer
  const { id } = account
  const at = app.clock.now()
  await record(app.db, request, { action: 'user.exported', at, actorId: id, subjectId: id })
  const sessions = await app.db.session.findMany({ where: { userId: id }, orderBy: { id: 'asc' } })
  const devices = await app.db.device.findMany({
    where: { userId: id },
    orderBy: { id: 'asc' },
    select: { firstSeen: true, lastSeen: true, trustedUntil: true },
  })
  const mails = await app.db.mail.findMany({
    where: { userId: id },
    orderBy: { id: 'asc' },
    select: { template: true, recipient: true, createdAt: true, sentAt: true },
  })
  const { passwordHash, privateMetadata, emailCanonical, ...profile } = account
  return JSON.stringify(
    {
      exportedAt: at,
      account: profile,
      sessions: sessions.map(shownSession),
      devices,
      mails,
      events: await ownEvents(app, id),
    },
    null,
    2,
  )
}

function shownSession({ salt, generation, generationSeenAt, ...shown }: Session) {
  return shown
}

async function ownEvents(app: App, id: string) {
  const events: ReturnType<typeof shownEvent>[] = []
  let batch: AuditEvent[] = []
  do {
    batch = await app.db.auditEvent.findMany({
      where: {
        OR: [{ actorId: id }, { subjectId: id }],
        ...(batch.length > 0 && { id: { gt: batch.at(-1)?.id ?? '' } }),
      },
      orderBy: { id: 'asc' },
      take: BATCH,
    })
    events.push(...batch.map(event => shownEvent(event, id)))
  } while (batch.length === BATCH)
  return events
}

/** Of what others did, not from where nor why; of what was done to others, not to whom. */
function shownEvent(
  { at, action, actorId, subjectId, ipAddress, userAgent, detail }: AuditEvent,
  id: string,
) {
  const byOther = actorId !== null && actorId !== id
  const toOther = subjectId !== null && subjectId !== id
  return {
    at,
    action,
    by: byOther ? 'somebody else' : actorId === null ? 'somebody unknown' : 'you',
    ...(!byOther && { ipAddress, userAgent }),
    ...(!toOther && { detail: byOther ? withoutReason(detail) : detail }),
  }
}

function withoutReason(detail: AuditEvent['detail']) {
  if (typeof detail !== 'object' || detail === null || Array.isArray(detail)) return detail
  const { reason, ...told } = detail
  return told
}
