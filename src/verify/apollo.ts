import { requirePermission, requireStepUp, type StepUpOptions } from './authorize.ts'
import { stepUpChallenge } from './errors.ts'
import { type AuthContext, authContext, checked } from './graphql.ts'
import type { Identity } from './verifier.ts'

export { type AuthContext, authContext }

type Resolver<Parent, Args, Context, Info, Result> = (
  parent: Parent,
  args: Args,
  context: Context,
  info: Info,
) => Result

/**
 * Guards a resolver of an operation or of a single field: `guard('notes:read', resolver)`. Requires a valid access token
 * and one of the permissions, or no permission if none is named: `guard(resolver)`. The context must be that of
 * `authContext`.
 */
export function guard<Parent, Args, Context extends AuthContext, Info, Result>(
  resolver: Resolver<Parent, Args, Context, Info, Result | Promise<Result>>,
): Resolver<Parent, Args, Context, Info, Promise<Result>>
export function guard<Parent, Args, Context extends AuthContext, Info, Result>(
  permission: string | readonly string[],
  resolver: Resolver<Parent, Args, Context, Info, Result | Promise<Result>>,
): Resolver<Parent, Args, Context, Info, Promise<Result>>
export function guard<Parent, Args, Context extends AuthContext, Info, Result>(
  first: string | readonly string[] | Resolver<Parent, Args, Context, Info, Result>,
  second?: Resolver<Parent, Args, Context, Info, Result>,
) {
  if (typeof first === 'function') return behind(() => {}, first)
  if (!second) throw new TypeError('guard: the resolver is missing.')
  return behind(identity => requirePermission(identity, [first].flat()), second)
}

/** Guards a resolver with a strong and recent sign-in: `guard('pay', stepUp({ strength: 'MULTI' }, resolver))`. */
export function stepUp<Parent, Args, Context extends AuthContext, Info, Result>(
  options: StepUpOptions,
  resolver: Resolver<Parent, Args, Context, Info, Result | Promise<Result>>,
): Resolver<Parent, Args, Context, Info, Promise<Result>> {
  return behind(identity => requireStepUp(identity, options), resolver)
}

function behind<Parent, Args, Context extends AuthContext, Info, Result>(
  check: (identity: Identity) => void,
  resolver: Resolver<Parent, Args, Context, Info, Result | Promise<Result>>,
): Resolver<Parent, Args, Context, Info, Promise<Result>> {
  return async (parent, args, context, info) => {
    await checked(context, check)
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
