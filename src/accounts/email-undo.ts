import DataLoader from 'dataloader'
import type { App } from '../app.ts'
import { addSeconds } from '../clock.ts'
import { type Queryable, statement } from '../database/client.ts'

const loaders = new WeakMap<App, DataLoader<string, Date | null>>()

/**
 * Until when a link that was sent to a former address can restore it; null if no such link is valid. One query serves
 * all accounts of a list.
 */
export function emailChangeUndoableUntil(app: App, userId: string): Promise<Date | null> {
  const loader =
    loaders.get(app) ??
    new DataLoader<string, Date | null>(userIds => untilOf(app, userIds), { cache: false })
  loaders.set(app, loader)
  return loader.load(userId)
}

/** Valid links that restore a former address. A link to the current address restores nothing. */
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
  /** The number of links that this call ended. */
  ended: number
  /** When the newest link that is still valid was created; undefined if none is. */
  newestLeft: Date | undefined
}

/**
 * Ends the links, at least `minAgeSeconds` old, that restore a former address of the account, in the caller's
 * transaction. Other accounts can then register the addresses. Lock the account first.
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
