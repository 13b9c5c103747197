import { GraphQLError } from 'graphql'
import { identify, type RequestLike } from './authorize.ts'
import { AuthError } from './errors.ts'
import type { Identity, Verifier } from './verifier.ts'

/** What guards and resolvers need of the context. */
export type AuthContext = {
  /**
   * Who sent the request, verified on first use and once per request. A request with an expired token therefore fails
   * only where this is called: in guarded fields.
   * @throws GraphQLError UNAUTHENTICATED, SERVICE_UNAVAILABLE
   */
  readonly identity: () => Promise<Identity>
}

/** The context of one request: `context: async ({ req }) => ({ ...authContext(verifier, req) })`. */
export function authContext(verifier: Verifier, request: RequestLike): AuthContext {
  let identity: Promise<Identity> | undefined
  return {
    identity: () => {
      identity ??= identify(verifier, request).catch(rethrow)
      return identity
    },
  }
}

/** Who sent the request, if the check lets them pass. */
export async function checked(context: AuthContext, check: (identity: Identity) => void): Promise<Identity> {
  const identity = await context.identity()
  try {
    check(identity)
  } catch (error) {
    rethrow(error)
  }
  return identity
}

/** Throws what every GraphQL server shows to clients: others mask errors that are no GraphQLError. */
function rethrow(error: unknown): never {
  if (!(error instanceof AuthError)) throw error
  throw new GraphQLError(error.message, { extensions: { ...error.extensions }, originalError: error })
}
