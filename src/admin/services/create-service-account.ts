import { v7 as uuidv7 } from 'uuid'
import type { App } from '../../app.ts'
import type { Queryable } from '../../database/client.ts'
import { AuthError } from '../../errors.ts'
import { checkInput } from '../../input.ts'
import { newClientSecret } from '../../oauth/client-secret.ts'
import type { Service } from '../../oauth/find-service-account.ts'
import { requireRecentSignIn } from '../../sessions/assurance.ts'
import { requireGrantable } from '../roles/set-user-roles.ts'
import {
  administerServices,
  type Manager,
  recordService,
  toService,
  toStoredKeys,
  withRoles,
} from './lock-service.ts'
import { newServiceSchema, serviceNameTaken } from './service-input.ts'

/** So that one query lists them all. */
const SERVICES_MAX = 500

/**
 * Creates a service account. Without public keys, it receives a secret, which is returned once and stored as a hash.
 * @throws AuthError BAD_USER_INPUT, REAUTHENTICATION_REQUIRED, STEP_UP_REQUIRED; FORBIDDEN for a role with a permission that
 *   the caller lacks; CONFLICT for a name that is taken, and beyond 500 service accounts
 */
export async function createServiceAccount(
  app: App,
  input: unknown,
  by: Manager,
): Promise<{ service: Service; secret: string | null }> {
  const { roles, publicKeys, name, audiences } = checkInput(newServiceSchema(app), input)
  if (by) await requireRecentSignIn(app, by.viewer)
  const made = publicKeys.length > 0 ? undefined : newClientSecret()
  const createdAt = app.clock.now()
  const id = uuidv7()
  const keys = publicKeys.map(({ kid }) => kid)
  const stored = { name, audiences, publicKeys: toStoredKeys(publicKeys), secretHash: made?.hash ?? null }
  try {
    const row = await administerServices(app, by, async (tx, heldPermissions) => {
      await requireRoom(tx)
      await requireGrantable(app, tx, roles, heldPermissions, 'input.roles')
      const granted = { create: roles.map(roleName => ({ roleName })) }
      const data = { id, createdAt, ...stored, roles: granted }
      const created = await tx.serviceAccount.create({ data, include: withRoles })
      const detail = { roles, audiences, ...(keys.length > 0 && { keys }) }
      await recordService(app, tx, by, 'service.created', { id, name }, detail)
      return created
    })
    return { service: toService(app, row), secret: made?.secret ?? null }
  } catch (error) {
    throw serviceNameTaken(error) ?? error
  }
}

/** @throws AuthError CONFLICT if there are 500 service accounts */
export async function requireRoom(tx: Queryable): Promise<void> {
  if ((await tx.serviceAccount.count()) < SERVICES_MAX) return
  throw new AuthError('CONFLICT', { message: 'There are too many service accounts. Delete one first.' })
}
