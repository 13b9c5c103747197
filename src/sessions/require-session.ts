import type { SessionVia, Viewer } from '../context.ts'
import { AuthError } from '../errors.ts'

/**
 * The session of the viewer. An API key has none: it can do what programs do, and never what protects the account.
 * @throws AuthError FORBIDDEN for an API key
 */
export function requireSession({ via }: Viewer): SessionVia {
  if (via.kind === 'session') return via
  throw refusedToApiKeys()
}

export function refusedToApiKeys(): AuthError {
  return new AuthError('FORBIDDEN', { message: 'An API key can’t do this. Sign in to do it.' })
}

/** The ID of the viewer's session; undefined for an API key. */
export function sessionIdOf({ via }: Viewer): string | undefined {
  return via.kind === 'session' ? via.session.id : undefined
}
