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
  /** The new key signs immediately and every other is gone: for keys that may have leaked. */
  revoke?: boolean
  /** Replaces the keys of refresh tokens and device tokens too, which ends every session. Implies `revoke`. */
  endAllSessions?: boolean
}

/**
 * Creates a new signing key. It is published immediately and signs 7 minutes later, when every cache has it; the one
 * before verifies until the last token that it signed has expired. With `revoke`, every access token in circulation is
 * refused by every replica within seconds; sessions go on, with the next refresh.
 *
 * Ending all sessions does not touch their rows in this transaction, however many there are: their refresh tokens fail
 * under the new key and their access tokens fail with the signing keys. See `markAllEnded` for the rows.
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
      // A thief who has one has both: device tokens could be forged too.
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
 * Marks sessions begun before `at` as ended, in small batches, and returns how many: for their lists, since their
 * tokens are dead already when the keys were replaced.
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
