import { z } from 'zod'
import { labelField } from '../accounts/fields.ts'
import { emailOriginOf, securityNotice } from '../accounts/security-notice.ts'
import type { App } from '../app.ts'
import { record } from '../audit/record.ts'
import type { Account, RequestInfo, Viewer } from '../context.ts'
import type { Queryable } from '../database/client.ts'
import { AuthError, badInput } from '../errors.ts'
import type { ApiKey } from '../generated/prisma/client.ts'
import { checkInput, requireTime } from '../input.ts'
import { queueNotice } from '../mail/notices.ts'
import { countAttempt } from '../rate-limit/limit.ts'
import { hasProvedFactor, requireRecentSignIn } from '../sessions/assurance.ts'
import { isLive } from '../sessions/live.ts'
import { newApiKey, prefixOf } from './key.ts'

const schema = (app: App) =>
  z.object({
    name: labelField(100).transform((name, context) => {
      if (name !== null) return name
      context.addIssue('Enter a name.')
      return z.NEVER
    }),
    permissions: z
      .array(
        z.string().refine(name => app.permissions.includes(name), {
          error: `There is no such permission. Permissions: ${app.permissions.join(', ')}.`,
        }),
      )
      .transform(names => [...new Set(names)].sort()),
    expiresAt: z.date().nullish(),
  })

/**
 * Creates an API key of the viewer and notifies the owner. The secret is returned once and stored as a hash. The lock on the
 * account's row orders simultaneous creations, so that the limit on keys is exact, and settles races with what ends keys.
 * @throws AuthError BAD_USER_INPUT, REAUTHENTICATION_REQUIRED, STEP_UP_REQUIRED, EMAIL_NOT_VERIFIED, RATE_LIMITED; FORBIDDEN
 *   for a permission that the viewer lacks; CONFLICT beyond API_KEYS_MAX, or if the account has changed since the request was
 *   authenticated
 */
export async function createApiKey(
  app: App,
  input: unknown,
  viewer: Viewer,
  request: RequestInfo,
): Promise<{ apiKey: ApiKey; secret: string }> {
  const { name, permissions, expiresAt } = checkInput(schema(app), input)
  const { account } = viewer
  if (app.config.apiKeysMax === 0)
    throw new AuthError('CONFLICT', { message: 'This server doesn’t offer API keys.' })
  const createdAt = app.clock.now()
  if (expiresAt && requireTime('input.expiresAt', expiresAt) <= createdAt)
    throw badInput({ 'input.expiresAt': ['Choose a time in the future.'] })
  const session = await requireRecentSignIn(app, viewer)
  if (!account.emailVerifiedAt) throw new AuthError('EMAIL_NOT_VERIFIED')
  requireHeld(account, permissions)
  await countAttempt(app, [{ rule: 'profile.account', subject: account.id }], request)
  const { id, text, hash } = newApiKey(app)
  const data = {
    id,
    userId: account.id,
    name,
    keyHash: hash,
    permissions,
    multiFactor: hasProvedFactor(viewer),
    createdAt,
    expiresAt: expiresAt ?? null,
  }
  const apiKey = await app.db.$transaction(async tx => {
    await lockUnchanged(tx, account, session.id, createdAt)
    await requireRoom(app, tx, account.id)
    const created = await tx.apiKey.create({ data })
    const detail = {
      apiKeyId: id,
      name,
      permissions,
      ...(expiresAt && { expiresAt: expiresAt.toISOString() }),
    }
    const event = { at: createdAt, actorId: account.id, subjectId: account.id }
    await record(tx, request, { ...event, action: 'api_key.created', detail })
    // Without the name, which the client chose.
    const facts = { ...emailOriginOf(app, request), prefix: prefixOf(id) }
    await queueNotice(app, tx, account, securityNotice(app, account, 'api-key-created', facts))
    return created
  })
  return { apiKey, secret: text }
}

/** @throws AuthError FORBIDDEN */
function requireHeld(account: Account, permissions: readonly string[]): void {
  if (permissions.every(permission => account.permissions.includes(permission))) return
  throw new AuthError('FORBIDDEN', { message: 'You can only give an API key permissions that you have.' })
}

const lock = `SELECT u.id FROM users u JOIN sessions s ON s.user_id = u.id
  WHERE s.id = $1::uuid AND u.credential_version = $2 AND u.email_verified_at IS NOT NULL AND ${isLive('$3::timestamptz')}
  FOR NO KEY UPDATE OF u`

/** What ended the account's keys in the meantime, such as disabling it, also ended its sessions or raised its version. */
async function lockUnchanged(
  tx: Queryable,
  { credentialVersion }: Account,
  sessionId: string,
  now: Date,
): Promise<void> {
  const rows = await tx.$queryRawUnsafe<object[]>(lock, sessionId, credentialVersion, now)
  if (rows.length > 0) return
  throw new AuthError('CONFLICT', { message: 'Your account has changed in the meantime. Try again.' })
}

async function requireRoom({ config }: App, tx: Queryable, userId: string): Promise<void> {
  if ((await tx.apiKey.count({ where: { userId } })) < config.apiKeysMax) return
  throw new AuthError('CONFLICT', { message: 'Your account has too many API keys. Delete one first.' })
}
