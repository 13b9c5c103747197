import type { App } from '../app.ts'
import type { AuditAction } from '../audit/actions.ts'
import { auditColumns, type EventOrigin, record, toEvent } from '../audit/record.ts'
import type { Queryable } from '../database/client.ts'
import { insertSql, toRows } from '../database/insert.ts'
import { unauthenticated } from '../errors.ts'
import type { Prisma, Session } from '../generated/prisma/client.ts'
import { isLive } from './live.ts'

export type Revocation = {
  action: AuditAction
  request: EventOrigin
  actorId?: string | undefined
  detail?: Prisma.InputJsonObject
}

const endOne = `
  WITH ended AS (
    UPDATE sessions s SET revoked_at = $3::timestamptz FROM users u
    WHERE s.id = $1::uuid AND s.user_id = $2::uuid AND u.id = s.user_id AND ${isLive('$3::timestamptz')}
    RETURNING s.id
  ) ${insertSql('audit_events', auditColumns, 4, 'ended')}`

/**
 * Ends a session permanently and returns true, or returns false if it is not live. One statement ends it and records the
 * event, in the caller's transaction if there is one.
 */
export async function revokeSession(
  app: App,
  { id, userId }: Pick<Session, 'id' | 'userId'>,
  { action, request, actorId, detail }: Revocation,
  tx: Queryable = app.db,
): Promise<boolean> {
  const at = app.clock.now()
  const event = toEvent(request, {
    action,
    at,
    actorId,
    subjectId: userId,
    detail: { sessionId: id, ...detail },
  })
  return (await tx.$executeRawUnsafe(endOne, id, userId, at, toRows(auditColumns, event))) > 0
}

/** The sessions to end: all those of an account except `keptId`. */
export type Selection = { userId: string; keptId?: string | undefined }

/**
 * Permanently ends all live sessions of an account except the kept one, and returns how many ended. Takes the same time
 * for any number of sessions: it raises the account's epoch, and tidy.ts marks the rows afterwards. One event records
 * the count. Runs in the caller's transaction if there is one. It locks the account's row before any session, so that
 * revocations of one account wait for each other and never deadlock. In the transaction, change the account first and
 * never a session.
 * @throws AuthError UNAUTHENTICATED if the session to keep has ended in the meantime; roll back
 */
export function revokeSessions(
  app: App,
  selection: Selection,
  revocation: Revocation,
  tx?: Queryable,
): Promise<number> {
  return tx
    ? revokeWithin(app, selection, revocation, tx)
    : app.db.$transaction(newTx => revokeWithin(app, selection, revocation, newTx))
}

/** The most sessions that are counted. Only accounts from before SESSIONS_MAX have more than a few hundred. */
const COUNTED_MAX = 100_000

/**
 * Runs as a separate statement after the account's row is locked: a statement that waits for a lock sees the sessions as
 * they were before it waited.
 */
const endOthers = `
  WITH kept AS (
    UPDATE sessions SET epoch = $2::int
    WHERE id = $3::uuid AND user_id = $1::uuid AND epoch = $2::int - 1 AND revoked_at IS NULL
      AND expires_at > $4::timestamptz
    RETURNING id
  ), others AS MATERIALIZED (
    SELECT expires_at > $4::timestamptz AS live FROM sessions
    WHERE user_id = $1::uuid AND epoch = $2::int - 1 AND revoked_at IS NULL AND id IS DISTINCT FROM $3::uuid
    LIMIT ${COUNTED_MAX}
  ), ending AS (
    INSERT INTO session_endings (user_id, epoch, at)
    SELECT $1::uuid, $2::int, $4::timestamptz WHERE EXISTS (SELECT FROM others)
  )
  SELECT EXISTS (SELECT FROM kept) AS kept, (SELECT count(*)::int FROM others WHERE live) AS count`

async function revokeWithin(
  app: App,
  { userId, keptId }: Selection,
  { action, request, actorId, detail }: Revocation,
  tx: Queryable,
): Promise<number> {
  const at = app.clock.now()
  const [account] = await tx.$queryRaw<{ epoch: number }[]>`
    UPDATE users SET session_epoch = session_epoch + 1 WHERE id = ${userId}::uuid RETURNING session_epoch AS epoch`
  if (!account) return 0
  const [ended] = await tx.$queryRawUnsafe<{ kept: boolean; count: number }[]>(
    endOthers,
    userId,
    account.epoch,
    keptId ?? null,
    at,
  )
  if (keptId !== undefined && !ended?.kept) throw unauthenticated('REVOKED')
  const count = ended?.count ?? 0
  if (count > 0)
    await record(tx, request, { action, at, actorId, subjectId: userId, detail: { count, ...detail } })
  return count
}
