import { z } from 'zod'
import type { App } from '../app.ts'
import { record } from '../audit/record.ts'
import type { RequestFacts, Viewer } from '../context.ts'
import { unauthenticated } from '../errors.ts'
import type { Session } from '../generated/prisma/client.ts'
import { checkInput } from '../input.ts'
import { givenPasswordField } from '../passwords/new-password.ts'
import { isLive } from '../sessions/live.ts'
import { proveOwnPassword } from './prove-password.ts'

const schema = z.object({ password: givenPasswordField })

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
  viewer: Viewer,
  request: RequestFacts,
): Promise<Session> {
  const { password } = checkInput(schema, input)
  await proveOwnPassword(app, viewer, password, request)
  const now = app.clock.now()
  return app.db.$transaction(async tx => {
    const proved = await tx.$executeRawUnsafe(prove, viewer.session.id, now)
    if (proved === 0) throw unauthenticated('REVOKED')
    const { id } = viewer.account
    await record(tx, request, { action: 'session.reauthenticated', at: now, actorId: id, subjectId: id })
    return { ...viewer.session, authenticatedAt: now }
  })
}
