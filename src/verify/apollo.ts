import { requirePermission, requireStepUp, type StepUpOptions } from './authorize.ts'
import { stepUpChallenge } from './errors.ts'
import { type AuthContext, authContext, rethrow } from './graphql.ts'

export { type AuthContext, authContext }

type Resolver<Parent, Args, Context, Info, Result> = (
  parent: Parent,
  args: Args,
  context: Context,
  info: Info,
) => Result | Promise<Result>
type Guarded<Parent, Args, Context, Info, Result> = (
  parent: Parent,
  args: Args,
  context: Context,
  info: Info,
) => Promise<Result>

/**
 * Guards a resolver of an operation or of a single field: `guard('notes:read', resolver)`. Requires a valid access token
 * and one of the permissions, or no permission if none is named: `guard(resolver)`. The context must be that of
 * `authContext`.
 */
export function guard<Parent, Args, Context extends AuthContext, Info, Result>(
  resolver: Resolver<Parent, Args, Context, Info, Result>,
): Guarded<Parent, Args, Context, Info, Result>
export function guard<Parent, Args, Context extends AuthContext, Info, Result>(
  permission: string | readonly string[],
  resolver: Resolver<Parent, Args, Context, Info, Result>,
): Guarded<Parent, Args, Context, Info, Result>
export function guard<Parent, Args, Context extends AuthContext, Info, Result>(
  first: string | readonly string[] | Resolver<Parent, Args, Context, Info, Result>,
  second?: Resolver<Parent, Args, Context, Info, Result>,
): Guarded<Parent, Args, Context, Info, Result> {
  const resolver = typeof first === 'function' ? first : second
  if (!resolver) throw new TypeError('guard: the resolver is missing.')
  const permissions = typeof first === 'function' ? [] : [first].flat()
  return async (parent, args, context, info) => {
    const identity = await context.identity()
    try {
      if (typeof first !== 'function') requirePermission(identity, permissions)
    } catch (error) {
      rethrow(error)
    }
    return resolver(parent, args, context, info)
  }
}

/** Guards a resolver with a strong and recent sign-in: `guard('pay', stepUp({ strength: 'MULTI' }, resolver))`. */
export function stepUp<Parent, Args, Context extends AuthContext, Info, Result>(
  options: StepUpOptions,
  resolver: Resolver<Parent, Args, Context, Info, Result>,
): Guarded<Parent, Args, Context, Info, Result> {
  return async (parent, args, context, info) => {
    const identity = await context.identity()
    try {
      requireStepUp(identity, options)
    } catch (error) {
      rethrow(error)
    }
    return resolver(parent, args, context, info)
  }
}

type Facts = { readonly extensions?: Readonly<Record<string, unknown>> }
type Response = {
  readonly http: { readonly headers: { set(name: string, value: string): unknown } }
  readonly body: { readonly kind: string; readonly singleResult?: { readonly errors?: readonly Facts[] } }
}

/** A plugin for Apollo Server: sets the challenge of STEP_UP_REQUIRED and `Retry-After`, as Authograph does. */
export function authPlugin() {
  return {
    async requestDidStart() {
      return {
        async willSendResponse({ response }: { response: Response }): Promise<void> {
          const errors = response.body.singleResult?.errors ?? []
          for (const { extensions = {} } of errors) {
            const { code, acr, maxAgeSeconds, retryAfter } = extensions
            if (code === 'STEP_UP_REQUIRED')
              response.http.headers.set(
                'www-authenticate',
                stepUpChallenge(String(acr), Number(maxAgeSeconds)),
              )
            if (typeof retryAfter === 'number') response.http.headers.set('retry-after', String(retryAfter))
          }
        },
      }
    },
  }
}
