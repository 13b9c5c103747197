import { requirePermission } from './authorize.ts'
import { type AuthContext, authContext, rethrow } from './graphql.ts'

export { type AuthContext, authContext }

/** The owner of an object, in `@Authorized('self', …)`. */
const SELF = 'self'

type Owned = { readonly userId?: unknown }
type Resolving = { readonly root: unknown; readonly context: AuthContext }

/**
 * The auth checker for `buildSchema`: `@Authorized()` requires a valid access token, `@Authorized('notes:read')` the
 * permission, and `@Authorized('self', 'notes:read')` also allows the user in the object's `userId`. The context must be
 * that of `authContext`.
 */
export async function authChecker(
  { root, context }: Resolving,
  required: readonly string[],
): Promise<boolean> {
  const identity = await context.identity()
  if (required.length === 0) return true
  if (required.includes(SELF) && ownerOf(root) === identity.userId) return true
  try {
    requirePermission(
      identity,
      required.filter(name => name !== SELF),
    )
  } catch (error) {
    rethrow(error)
  }
  return true
}

function ownerOf(root: unknown): unknown {
  return (root as Owned | null | undefined)?.userId
}
