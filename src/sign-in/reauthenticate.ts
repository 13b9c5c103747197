import { z } from 'zod'
import type { App } from '../app.ts'
import { record } from '../audit/record.ts'
import type { RequestFacts, Viewer } from '../context.ts'
import { unauthenticated } from '../errors.ts'
import type { Session } from '../generated/prisma/client.ts'
import { checkInput } from '../input.ts'
import { givenPasswordField } from '../passwords/new-password.ts'
import { proveOwnPassword } from './prove-password.ts'

const schema = z.object({ password: givenPasswordField })

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
    const [session] = await tx.session.updateManyAndReturn({
      where: { id: viewer.session.id, revokedAt: null },
      data: { authenticatedAt: now },
    })
    if (!session) throw unauthenticated('REVOKED')
    const { id } = viewer.account
    await record(tx, request, { action: 'session.reauthenticated', at: now, actorId: id, subjectId: id })
    return session
  })
}
