import type { App } from '../../app.ts'
import type { Queryable } from '../../database/client.ts'
import { checkInput } from '../../input.ts'
import type { ClientKey } from '../../oauth/client-keys.ts'
import type { Service } from '../../oauth/find-service-account.ts'
import { requireRecentSignIn } from '../../sessions/assurance.ts'
import { changedFields } from '../administer.ts'
import { requireGrantable } from '../roles/set-user-roles.ts'
import {
  administerService,
  type Manager,
  recordService,
  toService,
  toStoredKeys,
  withRoles,
} from './lock-service.ts'
import { changedKeys, changedServiceSchema, serviceNameTaken } from './service-input.ts'

/**
 * Changes the fields of the input. Roles count from the next request, audiences from the next token. Tokens that were
 * issued for a key that is removed, or for the secret that keys replace, end.
 * @throws AuthError BAD_USER_INPUT, REAUTHENTICATION_REQUIRED, STEP_UP_REQUIRED, NOT_FOUND; FORBIDDEN for a role, or a service
 *   account, with a permission that the caller lacks; CONFLICT for a name that is taken
 */
export async function updateServiceAccount(
  app: App,
  id: string,
  input: unknown,
  by: Manager,
): Promise<Service> {
  const { name, roles, audiences, ...keys } = checkInput(changedServiceSchema, input)
  if (by) await requireRecentSignIn(app, by.viewer)
  try {
    return await administerService(app, by, id, async (tx, before, heldPermissions) => {
      if (roles) {
        await requireGrantable(app, tx, roles, heldPermissions, 'input.roles')
        await replaceRoles(tx, before.id, roles)
      }
      const publicKeys = changedKeys(before.publicKeys, keys)
      const row = await tx.serviceAccount.update({
        where: { id: before.id },
        data: {
          ...(name && { name }),
          ...(audiences && { audiences }),
          ...(publicKeys && keyChange(before, publicKeys)),
        },
        include: withRoles,
      })
      const after = toService(app, row)
      const detail = changedFields(fieldsOf(before), fieldsOf(after))
      if (detail) {
        await recordService(app, tx, by, 'service.updated', before, detail)
      }
      return after
    })
  } catch (error) {
    throw serviceNameTaken(error) ?? error
  }
}

async function replaceRoles(tx: Queryable, serviceAccountId: string, roles: string[]): Promise<void> {
  await tx.serviceAccountRole.deleteMany({ where: { serviceAccountId } })
  await tx.serviceAccountRole.createMany({
    data: roles.map(roleName => ({ serviceAccountId, roleName })),
  })
}

/** An account has either keys or a secret. Without keys, it keeps its secret, or needs a new one. */
function keyChange({ publicKeys: before, secretHash }: Service, publicKeys: ClientKey[]) {
  const withdraws =
    (publicKeys.length > 0 && secretHash !== null) ||
    before.some(old => !publicKeys.some(({ jwk }) => JSON.stringify(jwk) === JSON.stringify(old.jwk)))
  return {
    publicKeys: toStoredKeys(publicKeys),
    ...(publicKeys.length > 0 && { secretHash: null, previousSecretHash: null, previousUntil: null }),
    ...(withdraws && { generation: { increment: 1 } }),
  }
}

function fieldsOf({ name, roles, audiences, publicKeys }: Service) {
  return { name, roles: [...roles], audiences, keys: publicKeys.map(({ kid }) => kid) }
}
