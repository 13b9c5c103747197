import DataLoader from 'dataloader'
import type { App } from '../app.ts'
import { addSeconds } from '../clock.ts'
import { type Queryable, statement } from '../database/client.ts'

const loaders = new WeakMap<App, DataLoader<string, Date | null>>()

/**
 * Until when a link that was sent to a former address can take the account back to it; null if no such link is valid.
 * One query answers for all the accounts of a list.
 */
export function emailChangeUndoableUntil(app: App, userId: string): Promise<Date | null> {
  const loader =
    loaders.get(app) ??
    new DataLoader<string, Date | null>(userIds => untilOf(app, userIds), { cache: false })
  loaders.set(app, loader)
  return loader.load(userId)
}

/** Valid links to addresses that the account had before; one to its present address takes nothing back. */
const OPEN = `t.purpose = 'email-undo' AND t.used_at IS NULL AND t.expires_at > $2
  AND u.id = t.user_id AND t.email_canonical <> u.email_canonical`

const selectUntil = statement<[userId: string, until: Date]>(
  'email-undo-until',
  `SELECT t.user_id, max(t.expires_at) FROM email_tokens t, users u
   WHERE t.user_id = ANY($1::uuid[]) AND ${OPEN} GROUP BY t.user_id`,
)

async function untilOf(app: App, userIds: readonly string[]): Promise<(Date | null)[]> {
  const until = new Map(await selectUntil(app.pool, [userIds, app.clock.now()]))
  return userIds.map(id => until.get(id) ?? null)
}

type EndedUndos = {
  /** The number of links that ended. */
  ended: number
  /** Since when the newest link exists that stays valid; undefined if none does. */
  newestLeft: Date | undefined
}

/**
 * Ends the links that take back a former address of the account, in the caller's transaction: those that are at least
 * `minAgeSeconds` old. The addresses are then free to register. Lock the account first.
 */
export async function endEmailUndos(
  app: App,
  tx: Queryable,
  userId: string,
  minAgeSeconds = 0,
): Promise<EndedUndos> {
  const now = app.clock.now()
  const before = addSeconds(now, -minAgeSeconds)
  const ended = await tx.$executeRawUnsafe(END, userId, now, before)
  const [left] = await tx.$queryRawUnsafe<{ newest: Date | null }[]>(NEWEST, userId, now)
  return { ended, newestLeft: left?.newest ?? undefined }
}

const END = `UPDATE email_tokens t SET used_at = $2 FROM users u
  WHERE t.user_id = $1::uuid AND ${OPEN} AND t.created_at <= $3`
const NEWEST = `SELECT max(t.created_at) AS newest FROM email_tokens t, users u WHERE t.user_id = $1::uuid AND ${OPEN}`
