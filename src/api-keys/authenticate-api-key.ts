import { timingSafeEqual } from 'node:crypto'
import type { App } from '../app.ts'
import { addSeconds } from '../clock.ts'
import type { RequestInfo, Viewer } from '../context.ts'
import { statement } from '../database/client.ts'
import { AuthError, unauthenticated } from '../errors.ts'
import type { ApiKey } from '../generated/prisma/client.ts'
import { hashOf } from '../one-time-tokens/token.ts'
import { cutTo } from '../permissions/cut.ts'
import { demandsFactor } from '../sessions/assurance.ts'
import { findApiKey } from './find-api-key.ts'
import { idInKey } from './key.ts'

/** How far `lastUsedAt` may lag behind. A write with every request would cost too much. */
const TOUCH_INTERVAL_SECONDS = 60

/**
 * The viewer whose API key this is, with the permissions of the key that its owner holds now. Every request looks up the
 * key and the account, so that a key loses immediately what its owner loses.
 * @throws AuthError UNAUTHENTICATED with the reason INVALID, EXPIRED or REVOKED; EMAIL_NOT_VERIFIED; FORBIDDEN if the
 *   owner must use a second factor now, and the session that created the key had proved none
 */
export async function authenticateApiKey(app: App, text: string, request: RequestInfo): Promise<Viewer> {
  const id = app.config.apiKeysMax > 0 ? idInKey(app, text) : undefined
  if (id === undefined) throw unauthenticated('INVALID')
  const found = await findApiKey(app, id)
  if (!found || found.account.disabledAt) throw unauthenticated('REVOKED')
  const { apiKey, account } = found
  if (!timingSafeEqual(apiKey.keyHash, hashOf(text))) throw unauthenticated('INVALID')
  const now = app.clock.now()
  if (apiKey.expiresAt && apiKey.expiresAt <= now) throw unauthenticated('EXPIRED')
  if (!account.emailVerifiedAt) throw new AuthError('EMAIL_NOT_VERIFIED')
  if (account.enrollmentRequired || (demandsFactor(app, account) && !apiKey.multiFactor)) throw tooWeak()
  await touch(app, apiKey, now)
  request.apiKeyId = id
  const { keyHash, ...shown } = apiKey
  return {
    account: { ...account, permissions: cutTo(account.permissions, apiKey.permissions) },
    via: { kind: 'apiKey', apiKey: shown },
  }
}

function tooWeak(): AuthError {
  return new AuthError('FORBIDDEN', {
    message: 'This API key was created without a second factor, which its owner needs now. Create a new one.',
  })
}

const markUsed = statement(
  'api-key-touch',
  'UPDATE api_keys SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at <= $3)',
)

/** At most once a minute, also if several requests and replicas use the key at the same time. */
async function touch(app: App, { id, lastUsedAt }: ApiKey, now: Date): Promise<void> {
  const before = addSeconds(now, -TOUCH_INTERVAL_SECONDS)
  if (lastUsedAt && lastUsedAt > before) return
  await markUsed(app.pool, [id, now, before])
}
