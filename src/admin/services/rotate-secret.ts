import { z } from 'zod'
import type { App } from '../../app.ts'
import { addSeconds } from '../../clock.ts'
import { AuthError } from '../../errors.ts'
import { checkInput } from '../../input.ts'
import { newClientSecret } from '../../oauth/client-secret.ts'
import type { Service } from '../../oauth/find-service-account.ts'
import { requireRecentSignIn } from '../../sessions/assurance.ts'
import { administerService, type Manager, recordService, toService, withRoles } from './lock-service.ts'

const OVERLAP_MAX_SECONDS = 7 * 86_400

const overlapField = z
  .int()
  .min(0, 'Use at least 0 seconds.')
  .max(OVERLAP_MAX_SECONDS, `Use at most ${OVERLAP_MAX_SECONDS} seconds.`)

/**
 * Gives a service account a new secret, which is returned once. The current one is accepted for `previousValidSeconds`
 * more. With 0, it ends immediately, and so do all tokens of the account.
 * @throws AuthError BAD_USER_INPUT, REAUTHENTICATION_REQUIRED, STEP_UP_REQUIRED, NOT_FOUND; FORBIDDEN for a service account
 *   with a permission that the caller lacks; CONFLICT if it authenticates with a key
 */
export async function rotateServiceAccountSecret(
  app: App,
  id: string,
  previousValidSeconds: number,
  by: Manager,
): Promise<{ service: Service; secret: string }> {
  const overlapSeconds = checkInput(overlapField, previousValidSeconds, 'previousValidSeconds')
  if (by) await requireRecentSignIn(app, by.viewer)
  const { secret, hash } = newClientSecret()
  const service = await administerService(app, by, id, async (tx, before) => {
    if (before.publicKeys.length > 0) {
      throw new AuthError('CONFLICT', {
        message: 'This service account authenticates with a key. Remove its keys to give it a secret.',
      })
    }
    const at = app.clock.now()
    const overlaps = overlapSeconds > 0 && before.secretHash !== null
    const row = await tx.serviceAccount.update({
      where: { id: before.id },
      data: {
        secretHash: hash,
        previousSecretHash: overlaps ? before.secretHash : null,
        previousUntil: overlaps ? addSeconds(at, overlapSeconds) : null,
        ...(!overlaps && { generation: { increment: 1 } }),
      },
      include: withRoles,
    })
    const until = row.previousUntil?.toISOString()
    await recordService(app, tx, by, 'service.secret_rotated', before, until ? { until } : {})
    return toService(app, row)
  })
  return { service, secret }
}
