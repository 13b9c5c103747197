import type { App } from '../app.ts'
import type { Queryable } from '../database/client.ts'
import { toGrants } from '../permissions/grants.ts'

/** The permissions of a service account, which stays as it is until the transaction ends. Empty if it was deleted. */
export async function permissionsOfService(app: App, tx: Queryable, id: string): Promise<readonly string[]> {
  await tx.$queryRaw`SELECT FROM service_accounts WHERE id = ${id}::uuid FOR SHARE`
  const roles = await tx.serviceAccountRole.findMany({
    where: { serviceAccountId: id },
    include: { role: true },
  })
  return toGrants(
    app,
    roles.map(({ role }) => role),
  ).permissions
}
