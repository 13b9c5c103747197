import type { App } from '../../app.ts'
import { administerService, type Manager, recordService } from './lock-service.ts'

/**
 * Deletes a service account. This server refuses its tokens immediately.
 * @throws AuthError NOT_FOUND; FORBIDDEN for a service account with a permission that the caller lacks
 */
export async function deleteServiceAccount(app: App, id: string, by: Manager): Promise<void> {
  await administerService(app, by, id, async (tx, service) => {
    await tx.serviceAccount.delete({ where: { id: service.id } })
    await recordService(app, tx, by, 'service.deleted', service)
  })
}
