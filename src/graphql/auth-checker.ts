import type { AuthCheckerFn } from 'type-graphql'
import { recordDeniedAccess } from '../audit/denied-access.ts'
import type { Context, Viewer } from '../context.ts'
import { AuthError } from '../errors.ts'
import { SELF } from '../permissions/permissions.ts'

/**
 * Lets a guarded operation or field through when the viewer has any one of what `required` names:
 * permissions, or `self` for what belongs to the viewer. Nothing required means any live session.
 * @throws AuthError UNAUTHENTICATED, FORBIDDEN
 */
export const authChecker: AuthCheckerFn<Context, string> = async (
  { root, args, context, info },
  required,
) => {
  const forSelf = required.includes(SELF)
  if (forSelf && root && context.isRevealed(root)) return true
  const viewer = await context.viewer()
  if (required.length === 0) return true
  if (forSelf && ownerOf(root, args) === viewer.account.id) return true
  if (required.some(permission => holds(viewer, permission))) return true
  await recordDeniedAccess(
    context.app,
    context.request,
    viewer.account.id,
    `${info.parentType.name}.${info.fieldName}`,
  )
  throw new AuthError('FORBIDDEN')
}

function holds({ account }: Viewer, permission: string): boolean {
  return permission !== SELF && account.permissions.includes(permission)
}

/** An operation's argument `id` names the account; an object names its owner, an account is its own. */
function ownerOf(
  root: { id?: string; userId?: string } | undefined,
  args: { id?: string },
): string | undefined {
  return root ? (root.userId ?? root.id) : args.id?.toLowerCase()
}
