import { z } from 'zod'
import type { App } from '../../app.ts'
import { AuthError } from '../../errors.ts'
import { checkInput } from '../../input.ts'
import { requireGrantable } from '../roles/set-user-roles.ts'
import { requireRoom } from './create-service-account.ts'
import { administerServices, recordService, toService, toStoredKeys, withRoles } from './lock-service.ts'
import { newServiceSchema, serviceNameTaken } from './service-input.ts'

/** A service account in a file. Its ID is the client ID, which its program knows, so it stays the same. */
export type ExportedService = {
  id: string
  name: string
  roles: readonly string[]
  audiences: readonly string[]
  /** JWKs with their `kid`, as texts. */
  publicKeys: readonly string[]
  /** The SHA-256 of the secret, in hexadecimal. */
  secretHash?: string
  createdAt: string
}

/** All service accounts, sorted by name. A secret cannot be computed from its hash. */
export async function exportServices(
  app: App,
  { withSecretHashes }: { withSecretHashes: boolean },
): Promise<ExportedService[]> {
  const rows = await app.db.serviceAccount.findMany({ include: withRoles, orderBy: { name: 'asc' } })
  return rows.map(row => {
    const { id, name, roles, audiences, publicKeys, secretHash, createdAt } = toService(app, row)
    return {
      id,
      name,
      roles,
      audiences,
      publicKeys: publicKeys.map(({ kid, jwk }) => JSON.stringify({ ...jwk, kid })),
      ...(withSecretHashes && secretHash && { secretHash: Buffer.from(secretHash).toString('hex') }),
      createdAt: createdAt.toISOString(),
    }
  })
}

const importedSchema = (app: App) =>
  newServiceSchema(app).extend({
    id: z.uuid('Enter the ID of the service account.').transform(id => id.toLowerCase()),
    secretHash: z
      .string()
      .regex(/^[0-9a-f]{64}$/i, 'Enter a SHA-256 in hexadecimal.')
      .transform(hex => Buffer.from(hex, 'hex'))
      .nullish(),
    createdAt: z.iso
      .datetime()
      .transform(text => new Date(text))
      .nullish(),
  })

/**
 * Creates a service account from a file, for the command line. Its roles must exist. Resolves to false if there is an account
 * with its ID already, which stays as it is, so an import can run again.
 * @throws AuthError BAD_USER_INPUT; CONFLICT for a name that is taken, and beyond 500 service accounts
 */
export async function importService(app: App, record: unknown): Promise<boolean> {
  const { id, name, roles, audiences, publicKeys, secretHash, createdAt } = checkInput(
    importedSchema(app),
    record,
  )
  try {
    return await administerServices(app, undefined, async (tx, heldPermissions) => {
      if (await tx.serviceAccount.findUnique({ where: { id } })) return false
      await requireRoom(tx)
      await requireGrantable(app, tx, roles, heldPermissions, 'roles')
      await tx.serviceAccount.create({
        data: {
          id,
          name,
          audiences,
          publicKeys: toStoredKeys(publicKeys),
          // An account has either keys or a secret.
          secretHash: publicKeys.length > 0 ? null : (secretHash ?? null),
          createdAt: createdAt ?? app.clock.now(),
          roles: { create: roles.map(roleName => ({ roleName })) },
        },
      })
      await recordService(app, tx, undefined, 'service.created', { id, name }, { roles, audiences })
      return true
    })
  } catch (error) {
    throw error instanceof AuthError ? error : (serviceNameTaken(error) ?? error)
  }
}
