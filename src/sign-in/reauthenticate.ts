import { z } from 'zod'
import type { App } from '../app.ts'
import { record } from '../audit/record.ts'
import type { RequestInfo, Viewer } from '../context.ts'
import { submittedPasswordField } from '../credentials/password/new-password.ts'
import { proveOwnPassword } from '../credentials/password/prove.ts'
import { unauthenticated } from '../errors.ts'
import type { Session } from '../generated/prisma/client.ts'
import { checkInput } from '../input.ts'
import { isLive } from '../sessions/live.ts'
import { requireSession } from '../sessions/require-session.ts'

const schema = z.object({ password: submittedPasswordField })

const confirm = `
  UPDATE sessions s SET authenticated_at = $2::timestamptz, password_at = $2::timestamptz FROM users u
  WHERE s.id = $1::uuid AND u.id = s.user_id AND ${isLive('$2::timestamptz')}`

/**
 * Confirms the password again in the viewer's session, which then counts as a recent sign-in.
 * @throws AuthError BAD_USER_INPUT, INVALID_CREDENTIALS, RATE_LIMITED, SERVICE_UNAVAILABLE; UNAUTHENTICATED if the
 *   session has ended since the request was authenticated
 */
export async function reauthenticate(
  app: App,
  input: unknown,
  viewer: Viewer,
  request: RequestInfo,
): Promise<Session> {
  const { password } = checkInput(schema, input)
  const { account } = viewer
  const { session } = requireSession(viewer)
  await proveOwnPassword(app, account, password, request)
  const now = app.clock.now()
  return app.db.$transaction(async tx => {
    const confirmed = await tx.$executeRawUnsafe(confirm, session.id, now)
    if (confirmed === 0) throw unauthenticated('REVOKED')
    await record(tx, request, {
      action: 'session.reauthenticated',
      at: now,
      actorId: account.id,
      subjectId: account.id,
    })
    return { ...session, authenticatedAt: now, passwordAt: now }
  })
}
