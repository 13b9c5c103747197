import type { App } from '../app.ts'
import { type EventOrigin, record } from '../audit/record.ts'
import type { RequestInfo, Viewer } from '../context.ts'
import { isId, type Queryable } from '../database/client.ts'
import { AuthError } from '../errors.ts'

/**
 * Deletes an API key of the viewer.
 * @throws AuthError NOT_FOUND if the viewer has no such key
 */
export async function deleteApiKey(
  app: App,
  id: string,
  { account }: Viewer,
  request: RequestInfo,
): Promise<void> {
  await app.db.$transaction(tx => removeKey(app, tx, { id, userId: account.id }, request, account.id))
}

/**
 * Deletes an API key of an account in the caller's transaction.
 * @throws AuthError NOT_FOUND if the account has no such key
 */
export async function removeKey(
  app: App,
  tx: Queryable,
  { id, userId }: { id: string; userId: string },
  request: EventOrigin,
  actorId: string,
): Promise<void> {
  // Two simultaneous deletions cannot both find it: the second waits for the first.
  const [removed] = isId(id)
    ? await tx.$queryRaw<{ name: string }[]>`
        DELETE FROM api_keys WHERE id = ${id}::uuid AND user_id = ${userId}::uuid RETURNING name`
    : []
  if (!removed) throw new AuthError('NOT_FOUND', { message: 'There is no API key with this ID.' })
  await record(tx, request, {
    action: 'api_key.deleted',
    at: app.clock.now(),
    actorId,
    subjectId: userId,
    detail: { apiKeyId: id.toLowerCase(), name: removed.name },
  })
}

/**
 * Deletes all API keys of an account, of which there are at most API_KEYS_MAX, in the caller's transaction, which has locked
 * the account and raised its credential version: a key that is being created at the same time is either deleted here or
 * never created. One event records the count.
 */
export async function endApiKeys(
  app: App,
  tx: Queryable,
  userId: string,
  { request, actorId, because }: { request: EventOrigin; actorId?: string | undefined; because: string },
): Promise<void> {
  const { count } = await tx.apiKey.deleteMany({ where: { userId } })
  if (count === 0) return
  const event = { action: 'api_key.deleted', at: app.clock.now(), actorId, subjectId: userId } as const
  await record(tx, request, { ...event, detail: { count, because } })
}
