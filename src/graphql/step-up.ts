import { createMethodMiddlewareDecorator, type MiddlewareFn } from 'type-graphql'
import type { Context } from '../context.ts'
import { requireAssurance, requireRecentSignIn } from '../sessions/assurance.ts'
import type { AuthStrength } from '../sessions/strength.ts'

export type StepUpOptions = {
  /** The strength that the session must have. Default: as much as the account can prove. */
  strength?: AuthStrength
  /** How long ago the proofs may have been made. Default: 600 seconds. */
  maxAgeSeconds?: number
}

const DEFAULT_MAX_AGE_SECONDS = 600

/**
 * Guards an operation or a field resolver with a strong and recent sign-in, in addition to `@Authorized`. Clients answer
 * its error with `stepUp`, or with `reauthenticate` if the account only has a password and no `strength` is set.
 * @throws Error if `maxAgeSeconds` is not a positive number. At each call: AuthError UNAUTHENTICATED, STEP_UP_REQUIRED,
 *   REAUTHENTICATION_REQUIRED
 */
export function StepUp({
  strength,
  maxAgeSeconds = DEFAULT_MAX_AGE_SECONDS,
}: StepUpOptions = {}): MethodDecorator {
  if (!(maxAgeSeconds > 0)) throw new Error('@StepUp: maxAgeSeconds must be a positive number.')
  const guard: MiddlewareFn<Context> = async ({ context }, next) => {
    const viewer = await context.viewer()
    const app = context.guardApp ?? context.app
    if (strength) await requireAssurance(app, viewer, { strength, maxAgeSeconds })
    else await requireRecentSignIn(app, viewer, maxAgeSeconds)
    return next()
  }
  guards.add(guard)
  return createMethodMiddlewareDecorator(guard)
}

const guards = new WeakSet<object>()

/** Whether a middleware is that of `@StepUp`, which requires a session. */
export const isStepUp = (middleware: object): boolean => guards.has(middleware)
