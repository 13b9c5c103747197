import { uniqueNameError } from '../accounts/unique-names.ts'
import type { App } from '../app.ts'
import { recordDeniedAccess } from '../audit/denied-access.ts'
import type { Account, Context, RequestInfo, Viewer } from '../context.ts'
import { isId, type Queryable } from '../database/client.ts'
import { AuthError } from '../errors.ts'
import { keepAnAdministrator } from '../permissions/administrators.ts'
import { toGrants } from '../permissions/grants.ts'

/** Who administers, by which mutation. */
export type Acting = { viewer: Viewer; request: RequestInfo; operation: string }

/** Who asks for which mutation. */
export async function acting({ viewer, request }: Context, operation: string): Promise<Acting> {
  return { viewer: await viewer(), request, operation }
}

/**
 * Makes a change of administration in one transaction, after asking again, under the lock that all of them take,
 * whether the viewer still may: whoever is demoted or disabled meanwhile changes nothing more. `held` are the
 * permissions of the viewer.
 * @throws AuthError FORBIDDEN without the permission `needs`; CONFLICT when no administrator would be left;
 *   EMAIL_TAKEN, USERNAME_TAKEN
 */
export async function administer<Result>(
  app: App,
  { viewer, request, operation }: Acting,
  needs: string,
  change: (tx: Queryable, held: readonly string[]) => Promise<Result>,
): Promise<Result> {
  const actorId = viewer.account.id
  try {
    return await app.db.$transaction(tx =>
      keepAnAdministrator(app, tx, async () => {
        const actor = await findAccount(app, tx, actorId)
        if (!actor || actor.disabledAt || !actor.permissions.includes(needs)) throw new AuthError('FORBIDDEN')
        return change(tx, actor.permissions)
      }),
    )
  } catch (error) {
    if (error instanceof AuthError && error.code === 'FORBIDDEN') {
      await recordDeniedAccess(app, request, actorId, `Mutation.${operation}`)
    }
    throw uniqueNameError(error) ?? error
  }
}

/**
 * The same for a change of an account, which is locked. Whoever makes it must hold every permission that the account
 * holds: otherwise the right to change accounts would be the right to take over an administrator's.
 * @throws AuthError NOT_FOUND, and what `administer` throws
 */
export function administerUser<Result>(
  app: App,
  acting: Acting,
  needs: string,
  userId: string,
  change: (tx: Queryable, target: Account, held: readonly string[]) => Promise<Result>,
): Promise<Result> {
  return administer(app, acting, needs, async (tx, held) => {
    if (isId(userId)) await tx.$queryRaw`SELECT FROM users WHERE id = ${userId}::uuid FOR NO KEY UPDATE`
    const target = isId(userId) ? await findAccount(app, tx, userId) : undefined
    if (!target) throw new AuthError('NOT_FOUND', { message: 'There is no account with this ID.' })
    if (!target.permissions.every(permission => held.includes(permission))) {
      throw new AuthError('FORBIDDEN', {
        message:
          'This account has permissions that yours lacks. Only an account that holds them may change it.',
      })
    }
    return change(tx, target, held)
  })
}

async function findAccount(app: App, tx: Queryable, id: string): Promise<Account | undefined> {
  const found = await tx.user.findUnique({ where: { id }, include: { roles: { include: { role: true } } } })
  if (!found) return undefined
  const { roles, ...user } = found
  return {
    ...user,
    ...toGrants(
      app,
      roles.map(({ role }) => role),
    ),
  }
}

/** What a change did, for the audit log: the fields that are different now, before and after. */
export function difference<Facts extends Record<string, unknown>>(before: Facts, after: Facts) {
  const changed = Object.keys(after).filter(key => JSON.stringify(before[key]) !== JSON.stringify(after[key]))
  const pick = (facts: Facts) =>
    Object.fromEntries(changed.map(key => [key, facts[key] ?? null])) as JsonFacts
  return changed.length > 0 ? { before: pick(before), after: pick(after) } : undefined
}

type JsonFacts = Record<string, string | string[] | null>
