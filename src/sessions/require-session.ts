import type { SessionVia, Viewer } from '../context.ts'
import { AuthError } from '../errors.ts'

/**
 * The session of the viewer. An API key and a service account have none: they can do what programs do, and never what
 * protects an account.
 * @throws AuthError FORBIDDEN for an API key and for a service account
 */
export function requireSession({ via }: Viewer): SessionVia {
  if (via.kind === 'session') return via
  throw via.kind === 'apiKey' ? refusedToApiKeys() : refusedToServices()
}

export function refusedToApiKeys(): AuthError {
  return new AuthError('FORBIDDEN', { message: 'An API key can’t do this. Sign in to do it.' })
}

export function refusedToServices(): AuthError {
  return new AuthError('FORBIDDEN', { message: 'A service account can’t do this. Only people can.' })
}

/** The ID of the viewer's session; undefined for an API key and for a service account. */
export function sessionIdOf({ via }: Viewer): string | undefined {
  return via.kind === 'session' ? via.session.id : undefined
}
