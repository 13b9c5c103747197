import type { App } from '../../app.ts'
import type { Viewer } from '../../context.ts'
import { statement } from '../../database/client.ts'
import type { Device } from '../../devices/device.ts'
import { AuthError } from '../../errors.ts'
import type { Session } from '../../generated/prisma/client.ts'
import { requireSession } from '../../sessions/require-session.ts'

/** How recently the password was entered before the browser adds a passkey by itself. */
const PASSWORD_MS = 300_000
/** How long the account has known the device before the browser adds a passkey by itself. */
const DEVICE_MS = 86_400_000

const select = statement<[hasFactor: boolean, known: boolean]>(
  'automatic-passkey',
  `SELECT EXISTS (SELECT FROM totp WHERE user_id = $1) OR EXISTS (SELECT FROM passkeys WHERE user_id = $1),
     EXISTS (SELECT FROM devices WHERE user_id = $1 AND secret_hash = $2 AND first_seen <= $3)`,
)

/**
 * Whether to suggest a passkey after a sign-in: AUTOMATIC if the browser may add the account's first passkey without
 * asking, because the password was entered within 5 minutes on a device that the account has known for a day, which a
 * thief of the password does not have. ASK if the account has no factor yet.
 */
export async function passkeySuggestionOf(
  app: App,
  session: Pick<Session, 'userId' | 'passwordAt'>,
  device: Device | undefined,
): Promise<'NONE' | 'ASK' | 'AUTOMATIC'> {
  if (!app.config.passkeys.enabled || !session.passwordAt) return 'NONE'
  const now = app.clock.now().getTime()
  const since = new Date(now - DEVICE_MS)
  const [row] = await select(app.pool, [session.userId, Buffer.from(device?.secretHash ?? []), since])
  const [hasFactor = true, known = false] = row ?? []
  if (hasFactor) return 'NONE'
  return known && now - session.passwordAt.getTime() <= PASSWORD_MS ? 'AUTOMATIC' : 'ASK'
}

/**
 * Requires that the browser may add the account's first passkey by itself.
 * @throws AuthError CONFLICT
 */
export async function requireAutomatic(app: App, viewer: Viewer, device: Device | undefined): Promise<void> {
  if ((await passkeySuggestionOf(app, requireSession(viewer).session, device)) === 'AUTOMATIC') return
  throw new AuthError('CONFLICT', {
    message: 'A passkey can’t be added automatically here. Add one in your security settings.',
  })
}
