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

const schema = z.object({ password: submittedPasswordField })

const prove = `
  UPDATE sessions s SET authenticated_at = $2::timestamptz FROM users u
  WHERE s.id = $1::uuid AND u.id = s.user_id AND ${isLive('$2::timestamptz')}`

/**
 * Proves the password again in a session that exists.
 * @throws AuthError BAD_USER_INPUT, INVALID_CREDENTIALS, RATE_LIMITED, SERVICE_UNAVAILABLE; UNAUTHENTICATED when the
 *   session was ended meanwhile
 */
export async function reauthenticate(
  app: App,
  input: unknown,
  { account, via: { session } }: Viewer,
  request: RequestInfo,
): Promise<Session> {
  const { password } = checkInput(schema, input)
  await proveOwnPassword(app, account, password, request)
  const now = app.clock.now()
  return app.db.$transaction(async tx => {
    const proved = await tx.$executeRawUnsafe(prove, session.id, now)
    if (proved === 0) throw unauthenticated('REVOKED')
    await record(tx, request, {
      action: 'session.reauthenticated',
      at: now,
      actorId: account.id,
      subjectId: account.id,
    })
    return { ...session, authenticatedAt: now }
  })
}
