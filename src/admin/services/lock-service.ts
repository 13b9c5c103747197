import type { App } from '../../app.ts'
import type { AuditAction } from '../../audit/actions.ts'
import { NO_REQUEST, record } from '../../audit/record.ts'
import { isId, type Queryable } from '../../database/client.ts'
import { AuthError } from '../../errors.ts'
import type { Prisma } from '../../generated/prisma/client.ts'
import type { ClientKey } from '../../oauth/client-keys.ts'
import type { Service } from '../../oauth/find-service-account.ts'
import { toGrants } from '../../permissions/grants.ts'
import { administer, type Caller } from '../administer.ts'

export const withRoles = { roles: { include: { role: true } } } as const
type Row = Prisma.ServiceAccountGetPayload<{ include: typeof withRoles }>

/** A row with what its roles grant. */
export function toService(app: App, { roles, publicKeys, ...row }: Row): Service {
  const grants = toGrants(
    app,
    roles.map(({ role }) => role),
  )
  return { ...row, ...grants, publicKeys: publicKeys as ClientKey[] }
}

/** The keys as the database stores them. Their type comes from an interface, so that the compiler cannot tell it is JSON. */
export function toStoredKeys(keys: readonly ClientKey[]): Prisma.InputJsonArray {
  return keys as unknown as Prisma.InputJsonArray
}

/** Who manages service accounts: a signed-in user, or undefined for the command line, which can do everything. */
export type Manager = Caller | undefined

/**
 * Like `administer`, also for the command line.
 * @throws AuthError FORBIDDEN
 */
export function administerServices<Result>(
  app: App,
  by: Manager,
  change: (tx: Queryable, heldPermissions: readonly string[]) => Promise<Result>,
): Promise<Result> {
  if (by) return administer(app, by, 'services:write', change)
  return app.db.$transaction(tx => change(tx, app.permissions))
}

/** Records a change to a service account with its name. */
export function recordService(
  app: App,
  tx: Queryable,
  by: Manager,
  action: AuditAction,
  { id, name }: { id: string; name: string },
  detail: Prisma.InputJsonObject = {},
): Promise<void> {
  return record(tx, by?.request ?? NO_REQUEST, {
    action,
    at: app.clock.now(),
    actorId: by?.viewer.account.id,
    subjectId: id,
    detail: { name, ...detail },
  })
}

/**
 * Like `administerServices`, for a change to one service account, which is locked. The caller must hold every permission
 * that the account holds; otherwise a new secret would be a way to gain more.
 * @throws AuthError NOT_FOUND, FORBIDDEN
 */
export function administerService<Result>(
  app: App,
  by: Manager,
  id: string,
  change: (tx: Queryable, service: Service, heldPermissions: readonly string[]) => Promise<Result>,
): Promise<Result> {
  return administerServices(app, by, async (tx, heldPermissions) => {
    if (isId(id)) await tx.$queryRaw`SELECT FROM service_accounts WHERE id = ${id}::uuid FOR UPDATE`
    const row = isId(id) ? await tx.serviceAccount.findUnique({ where: { id }, include: withRoles }) : null
    if (!row) throw new AuthError('NOT_FOUND', { message: 'There is no service account with this ID.' })
    const service = toService(app, row)
    if (!service.permissions.every(held => heldPermissions.includes(held))) {
      throw new AuthError('FORBIDDEN', {
        message:
          'This service account has permissions that yours lacks. Only an account with the same permissions can change it.',
      })
    }
    return change(tx, service, heldPermissions)
  })
}
