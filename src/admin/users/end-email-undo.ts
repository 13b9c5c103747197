import { endEmailUndos } from '../../accounts/email-undo.ts'
import type { App } from '../../app.ts'
import { record } from '../../audit/record.ts'
import { addSeconds } from '../../clock.ts'
import type { Viewer } from '../../context.ts'
import type { Queryable } from '../../database/client.ts'
import { AuthError } from '../../errors.ts'
import { requireRecentSignIn } from '../../sessions/assurance.ts'
import { administerUser, type Caller } from '../administer.ts'

/**
 * A thief who knows the password passes a recent sign-in. So the owner of the former address always has this long to undo
 * a change, unless an administrator vouches for the account.
 */
const OWNER_WAIT_SECONDS = 86_400

/**
 * Invalidates the links that restore a former address of an account. Owners need a recent sign-in and must wait until a
 * day after the link was sent; administrators need not wait. Does nothing, and records nothing, if no link is valid.
 * @throws AuthError for the caller's own account: REAUTHENTICATION_REQUIRED, and CONFLICT during that day; for another
 *   account: NOT_FOUND, and FORBIDDEN if it has more permissions than the caller's
 */
export async function endEmailChangeUndo(app: App, id: string, caller: Caller): Promise<void> {
  const { viewer } = caller
  if (id.toLowerCase() === viewer.account.id) return endOwn(app, viewer, caller)
  await administerUser(app, caller, 'users:write', id, async (tx, target) => {
    const { ended } = await endEmailUndos(app, tx, target.id)
    await recordEnd(app, tx, target.id, ended, caller)
  })
}

async function endOwn(app: App, viewer: Viewer, caller: Caller): Promise<void> {
  await requireRecentSignIn(app, viewer)
  const { id } = viewer.account
  const { ended, newestLeft } = await app.db.$transaction(async tx => {
    await tx.$queryRaw`SELECT FROM users WHERE id = ${id}::uuid FOR NO KEY UPDATE`
    const undos = await endEmailUndos(app, tx, id, OWNER_WAIT_SECONDS)
    await recordEnd(app, tx, id, undos.ended, caller)
    return undos
  })
  if (ended === 0 && newestLeft) throw tooEarly(newestLeft)
}

function tooEarly(sentAt: Date): AuthError {
  const from = addSeconds(sentAt, OWNER_WAIT_SECONDS).toISOString()
  return new AuthError('CONFLICT', {
    message: `The former address can undo the change for at least a day. Try again after ${from}, or ask an administrator.`,
  })
}

async function recordEnd(
  app: App,
  tx: Queryable,
  subjectId: string,
  links: number,
  { viewer, request }: Caller,
): Promise<void> {
  if (links === 0) return
  const [at, actorId] = [app.clock.now(), viewer.account.id]
  const action = 'user.email_change_undo_ended'
  await record(tx, request, { action, at, actorId, subjectId, detail: { links } })
}
