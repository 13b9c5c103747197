import { requirePermission } from './authorize.ts'
import { type AuthContext, authContext, checked } from './graphql.ts'

export { type AuthContext, authContext }

/** The owner of an object, in `@Authorized('self', …)`. */
const SELF = 'self'

type Owned = { readonly userId?: unknown } | null | undefined
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
  await checked(context, identity => {
    if (required.length === 0) return
    if (required.includes(SELF) && (root as Owned)?.userId === identity.userId) return
    const permissions = required.filter(name => name !== SELF)
    requirePermission(identity, permissions)
  })
  return true
}
