import type { App } from '../app.ts'
import type { Viewer } from '../context.ts'
import { AuthError } from '../errors.ts'

const FRESH_SECONDS = 600

/**
 * For what a session that was left open must not do.
 * @throws AuthError REAUTHENTICATION_REQUIRED when the password was last proved over 10 minutes ago
 */
export function requireRecentSignIn(app: App, { via: { session } }: Viewer): void {
  const ageSeconds = (app.clock.now().getTime() - session.authenticatedAt.getTime()) / 1000
  if (ageSeconds > FRESH_SECONDS) throw new AuthError('REAUTHENTICATION_REQUIRED')
}
