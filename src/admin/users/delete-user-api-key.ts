import { removeKey } from '../../api-keys/end-api-keys.ts'
import type { App } from '../../app.ts'
import { administerUser, type Caller } from '../administer.ts'

/**
 * Deletes an API key of an account, such as one that leaked. It stops working immediately.
 * @throws AuthError NOT_FOUND if there is no such account, or the account has no such key; FORBIDDEN for an account with
 *   more permissions than the caller's
 */
export async function deleteUserApiKey(
  app: App,
  id: string,
  apiKeyId: string,
  caller: Caller,
): Promise<void> {
  const { request, viewer } = caller
  await administerUser(app, caller, 'users:write', id, (tx, target) =>
    removeKey(app, tx, { id: apiKeyId, userId: target.id }, request, viewer.account.id),
  )
}
