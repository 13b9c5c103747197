import { deleteAccountOf } from '../accounts/delete-account.ts'
import type { App } from '../app.ts'
import { redactAccount } from '../audit/redact.ts'
import type { RequestInfo, Viewer } from '../context.ts'
import { requireRecentSignIn } from '../sessions/assurance.ts'
import { deleteSessionsOf } from '../sessions/tidy.ts'

/**
 * Deletes the viewer's account and all of its data.
 * @throws AuthError REAUTHENTICATION_REQUIRED, STEP_UP_REQUIRED; CONFLICT for the last administrator; NOT_FOUND if the account has
 *   already been deleted
 */
export async function deleteAccount(app: App, viewer: Viewer, request: RequestInfo): Promise<void> {
  await requireRecentSignIn(app, viewer)
  const { id } = viewer.account
  const erased = await app.db.$transaction(tx => deleteAccountOf(app, tx, id, { actorId: id, request }))
  await deleteSessionsOf(app, id)
  await redactAccount(app, erased)
}
