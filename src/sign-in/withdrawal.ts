import { deleteAccountOf } from '../accounts/delete.ts'
import type { App } from '../app.ts'
import { forgetPerson } from '../audit/forget.ts'
import type { RequestFacts, Viewer } from '../context.ts'
import { requireFresh } from '../sessions/fresh.ts'
import { deleteSessionsOf } from '../sessions/tidy.ts'

/**
 * Deletes the viewer's account with everything that belongs to it.
 * @throws AuthError REAUTHENTICATION_REQUIRED; CONFLICT for the last administrator; NOT_FOUND when it was deleted
 *   meanwhile
 */
export async function deleteAccount(app: App, viewer: Viewer, request: RequestFacts): Promise<void> {
  requireFresh(app, viewer)
  const { id } = viewer.account
  const erased = await app.db.$transaction(tx => deleteAccountOf(app, tx, id, { actorId: id, request }))
  await deleteSessionsOf(app, id)
  await forgetPerson(app, erased)
}
