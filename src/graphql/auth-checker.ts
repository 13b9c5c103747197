import type { GraphQLResolveInfo } from 'graphql'
import type { AuthCheckerFn } from 'type-graphql'
import { recordDeniedAccess } from '../audit/denied-access.ts'
import type { Context, Viewer } from '../context.ts'
import { AuthError } from '../errors.ts'
import { SELF } from '../permissions/permissions.ts'
import {
  isTooWeak,
  isUnbound,
  refuseImpersonator,
  refuseWeakSession,
  unboundSession,
} from '../sessions/assurance.ts'
import { refusedToApiKeys, refusedToServices } from '../sessions/require-session.ts'

/**
 * Allows a guarded operation or field if the viewer has at least one of the `required` permissions. `self` allows the
 * viewer's own data. An empty list allows any valid session or API key. First refuses sessions that are too weak for a
 * role or not bound to a key, and API keys where the schema reserves something for sessions. A service account is not a person: it needs one of
 * the permissions.
 * @throws AuthError UNAUTHENTICATED, STEP_UP_REQUIRED, FORBIDDEN
 */
export const authChecker: AuthCheckerFn<Context, string> = async (
  { root, args, context, info },
  required,
) => {
  const forSelf = required.includes(SELF)
  if (forSelf && root && context.isRevealed(root)) return true
  const viewer = await context.viewer()
  if (viewer.via.kind === 'serviceAccount') {
    if (required.some(permission => holds(viewer, permission))) return true
    throw await denied(context, viewer, info, forService(required))
  }
  if (!root && viewer.impersonator && isForOwnersOnly(info)) refuseImpersonator(viewer)
  const app = context.guardApp ?? context.app
  const forSessions = viewer.via.kind === 'apiKey' && isForSessionsOnly(info)
  if (forSessions && !root) throw await denied(context, viewer, info, refusedToApiKeys())
  if (isUnbound(app, viewer) && !allowsMarked('forUnboundSessions', viewer, forSelf, root, info)) {
    throw await denied(context, viewer, info, unboundSession())
  }
  if (isTooWeak(app, viewer) && !allowsMarked('forWeakSessions', viewer, forSelf, root, info)) {
    return refuseWeakSession(app, viewer)
  }
  if (required.length === 0) return true
  if (forSelf && !forSessions && ownerOf(root, args) === viewer.account.id) return true
  if (required.some(permission => holds(viewer, permission))) return true
  throw await denied(context, viewer, info, forSessions ? refusedToApiKeys() : new AuthError('FORBIDDEN'))
}

/** Says whether a permission is missing, or the operation is for people. */
function forService(required: readonly string[]): AuthError {
  return required.some(permission => permission !== SELF) ? new AuthError('FORBIDDEN') : refusedToServices()
}

/** Records the denial. */
async function denied(
  { app, guardApp = app, request }: Context,
  { account }: Viewer,
  { parentType, fieldName }: GraphQLResolveInfo,
  error: AuthError,
): Promise<AuthError> {
  await recordDeniedAccess(guardApp, request, account.id, `${parentType.name}.${fieldName}`)
  return error
}

/** Whether an operation, or a field of the viewer's account, is refused to API keys. The schema marks them. */
function isForSessionsOnly({ parentType, fieldName }: GraphQLResolveInfo): boolean {
  return parentType.getFields()[fieldName]?.extensions.forSessionsOnly === true
}

/** Whether an operation refuses an administrator who acts as the user. The schema marks them. */
function isForOwnersOnly({ parentType, fieldName }: GraphQLResolveInfo): boolean {
  return parentType.getFields()[fieldName]?.extensions.forOwnersOnly === true
}

/**
 * A session that is too weak for a role of its account may only find out who it is, end, and become strong enough. One that
 * is not bound to a key, although that is required, may only find out who it is and end. The operations are marked; within
 * their results, it sees what belongs to its account.
 */
function allowsMarked(
  mark: 'forWeakSessions' | 'forUnboundSessions',
  viewer: Viewer,
  forSelf: boolean,
  root: { id?: string; userId?: string } | undefined,
  { parentType, fieldName }: GraphQLResolveInfo,
): boolean {
  if (root) return forSelf && ownerOf(root, {}) === viewer.account.id
  return parentType.getFields()[fieldName]?.extensions[mark] === true
}

function holds({ account }: Viewer, permission: string): boolean {
  return permission !== SELF && account.permissions.includes(permission)
}

/** The owner of an object is its `userId` or, for an account, its `id`. For an operation, it is the argument `id`. */
function ownerOf(
  root: { id?: string; userId?: string } | undefined,
  args: { id?: string },
): string | undefined {
  return root ? (root.userId ?? root.id) : args.id?.toLowerCase()
}
