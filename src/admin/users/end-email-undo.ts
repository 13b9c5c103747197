import { endEmailUndos } from '../../accounts/email-undo.ts'
import type { App } from '../../app.ts'
import { record } from '../../audit/record.ts'
import { addSeconds } from '../../clock.ts'
import type { Viewer } from '../../context.ts'
import type { Queryable } from '../../database/client.ts'
import { AuthError } from '../../errors.ts'
import { requireRecentSignIn } from '../../sessions/assurance.ts'
import { type Acting, administerUser } from '../administer.ts'

/**
 * A thief who has the password passes for a fresh owner. So the former address always has this long to undo a change,
 * unless an administrator answers for the account.
 */
const OWNER_WAITS_SECONDS = 86_400

/**
 * Ends the links that take back a former address of an account: for its owner after a recent sign-in, a day after
 * the link was sent, and for administrators immediately. Does nothing, and records nothing, if no link is valid.
 * @throws AuthError REAUTHENTICATION_REQUIRED, and CONFLICT during that day, for one's own account; NOT_FOUND, and
 *   FORBIDDEN for an account with more permissions, for another one
 */
export async function endEmailChangeUndo(app: App, id: string, acting: Acting): Promise<void> {
  const { viewer } = acting
  if (id.toLowerCase() === viewer.account.id) return endOwn(app, viewer, acting)
  await administerUser(app, acting, 'users:write', id, async (tx, target) => {
    const { ended } = await endEmailUndos(app, tx, target.id)
    await recordEnd(app, tx, target.id, ended, acting)
  })
}

async function endOwn(app: App, viewer: Viewer, acting: Acting): Promise<void> {
  requireRecentSignIn(app, viewer)
  const { id } = viewer.account
  const { ended, newestLeft } = await app.db.$transaction(async tx => {
    await tx.$queryRaw`SELECT FROM users WHERE id = ${id}::uuid FOR NO KEY UPDATE`
    const undos = await endEmailUndos(app, tx, id, OWNER_WAITS_SECONDS)
    await recordEnd(app, tx, id, undos.ended, acting)
    return undos
  })
  if (ended === 0 && newestLeft) throw tooEarly(newestLeft)
}

function tooEarly(sentAt: Date): AuthError {
  const from = addSeconds(sentAt, OWNER_WAITS_SECONDS).toISOString()
  return new AuthError('CONFLICT', {
    message: `The former address can undo the change for at least a day. End this after ${from}, or ask an administrator.`,
  })
}

async function recordEnd(
  app: App,
  tx: Queryable,
  subjectId: string,
  links: number,
  { viewer, request }: Acting,
): Promise<void> {
  if (links === 0) return
  const [at, actorId] = [app.clock.now(), viewer.account.id]
  const action = 'user.email_change_undo_ended'
  await record(tx, request, { action, at, actorId, subjectId, detail: { links } })
}
