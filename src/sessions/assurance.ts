import type { App } from '../app.ts'
import type { Viewer } from '../context.ts'
import { AuthError } from '../errors.ts'

const RECENT_SECONDS = 600

/**
 * Protects an operation from the finder of a session that was left open.
 * @throws AuthError REAUTHENTICATION_REQUIRED if the password was last entered more than 10 minutes ago
 */
export function requireRecentSignIn(app: App, { via: { session } }: Viewer): void {
  const ageSeconds = (app.clock.now().getTime() - session.authenticatedAt.getTime()) / 1000
  if (ageSeconds > RECENT_SECONDS) throw new AuthError('REAUTHENTICATION_REQUIRED')
}
