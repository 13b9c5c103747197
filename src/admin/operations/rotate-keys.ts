import type { App } from '../../app.ts'
import { type EventOrigin, record } from '../../audit/record.ts'
import { statement } from '../../database/client.ts'
import { reloadKeys } from '../../keys/reload.ts'
import { renewServerKey, SERVER_KEYS } from '../../keys/server-key.ts'
import { type Rotation, rotateSigningKey } from '../../keys/signing-keys.ts'
import { isLive } from '../../sessions/live.ts'

export type RotationOptions = {
  /** Absent for the command line. */
  actorId?: string
  /** For keys that may have leaked: the new key signs immediately and all other keys are removed. */
  revoke?: boolean
  /** Also replaces the keys of refresh tokens and device tokens, which ends every session. Implies `revoke`. */
  endAllSessions?: boolean
}

/**
 * Creates a signing key. It is published immediately and starts signing 7 minutes later, when every cache has it; the
 * previous key verifies tokens until the last one has expired. With `revoke`, every replica rejects all existing access
 * tokens within seconds; sessions continue from their next refresh.
 *
 * `endAllSessions` does not update session rows in this transaction, because there may be many: the new keys already
 * invalidate all refresh tokens and access tokens. `markAllEnded` updates the rows.
 */
export async function rotateKeys(
  app: App,
  origin: EventOrigin,
  { actorId, revoke = false, endAllSessions = false }: RotationOptions = {},
): Promise<Rotation> {
  const at = app.clock.now()
  const { sealing } = app.keys
  const rotation = await app.db.$transaction(async tx => {
    const { key, revoked } = await rotateSigningKey(tx, sealing, at, { revoke: revoke || endAllSessions })
    const action = revoked.length > 0 ? 'key.revoked' : 'key.rotated'
    await record(tx, origin, {
      action,
      at,
      actorId,
      detail: { kid: key.kid, ...(revoked.length > 0 && { revoked }) },
    })
    if (endAllSessions) {
      // A thief of the refresh-token key also has the device-token key and could forge device tokens.
      await renewServerKey(tx, SERVER_KEYS.refreshToken, sealing, at)
      await renewServerKey(tx, SERVER_KEYS.device, sealing, at)
      await record(tx, origin, { action: 'key.refresh_replaced', at, actorId })
    }
    return { key, revoked }
  })
  await reloadKeys(app)
  return rotation
}

const BATCH = 2000

const endSome = statement<[last: string, ended: number]>(
  'sessions-end-all',
  `WITH batch AS (
     SELECT s.id, ${isLive('$1')} AND s.created_at <= $1 AS live
     FROM sessions s LEFT JOIN users u ON u.id = s.user_id WHERE s.id > $2 ORDER BY s.id LIMIT ${BATCH}
   ), ended AS (
     UPDATE sessions s SET revoked_at = $1 FROM batch WHERE s.id = batch.id AND batch.live AND s.revoked_at IS NULL RETURNING s.id
   )
   SELECT (SELECT id::text FROM batch ORDER BY batch.id DESC LIMIT 1), (SELECT count(*)::int FROM ended)`,
)

/**
 * Marks sessions started at or before `at` as ended, in small batches, and returns their number. This only corrects the lists of
 * sessions: replacing the keys has already invalidated their tokens.
 */
export async function markAllEnded(app: App, at: Date): Promise<number> {
  let ended = 0
  for (let last: string | null = '00000000-0000-0000-0000-000000000000'; last; ) {
    const [row]: [last: string | null, ended: number][] = await endSome(app.pool, [at, last])
    last = row?.[0] ?? null
    ended += row?.[1] ?? 0
  }
  return ended
}
