import type { App } from '../../app.ts'
import { record } from '../../audit/record.ts'
import type { Caller } from '../administer.ts'
import { administerService } from './lock-service.ts'

/**
 * Deletes a service account. This server refuses its tokens immediately.
 * @throws AuthError NOT_FOUND; FORBIDDEN for a service account with a permission that the caller lacks
 */
export async function deleteServiceAccount(app: App, id: string, caller: Caller): Promise<void> {
  await administerService(app, caller, id, async (tx, service) => {
    await tx.serviceAccount.delete({ where: { id: service.id } })
    await record(tx, caller.request, {
      action: 'service.deleted',
      at: app.clock.now(),
      actorId: caller.viewer.account.id,
      subjectId: service.id,
      detail: { name: service.name },
    })
  })
}
