import { requireAccount } from '../../accounts/account.ts'
import { reasonField } from '../../accounts/fields.ts'
import type { App } from '../../app.ts'
import { record } from '../../audit/record.ts'
import { addSeconds } from '../../clock.ts'
import type { Account, RequestInfo } from '../../context.ts'
import type { Queryable } from '../../database/client.ts'
import { insertSql, toRows } from '../../database/insert.ts'
import { AuthError } from '../../errors.ts'
import type { Session } from '../../generated/prisma/client.ts'
import { checkInput } from '../../input.ts'
import { requireRecentSignIn, requireStrengthOf } from '../../sessions/assurance.ts'
import { sessionColumns } from '../../sessions/find-session.ts'
import { IMPERSONATE, IMPERSONATION_SECONDS } from '../../sessions/impersonation.ts'
import { type IssuedTokens, issueTokens } from '../../sessions/issue.ts'
import { newSession } from '../../sessions/start.ts'
import { administerUser, type Caller } from '../administer.ts'

/**
 * Starts a session in which the caller acts as another user. It lasts 30 minutes, ends with the caller's own session and
 * has no refresh token. Both are in the audit log, and the person sees the session and the event. Only the audit log
 * shows the reason. A caller who acts as another user cannot go on from there: see graphql/schema.ts.
 * @throws AuthError BAD_USER_INPUT, REAUTHENTICATION_REQUIRED, STEP_UP_REQUIRED, NOT_FOUND; FORBIDDEN for an account
 *   with more permissions than the caller's; CONFLICT for the caller's own account and for a disabled one
 */
export async function impersonateUser(
  app: App,
  id: string,
  reasonInput: string,
  caller: Caller,
): Promise<IssuedTokens> {
  const reason = checkInput(reasonField, reasonInput, 'reason')
  const { viewer, request } = caller
  const ownSession = await requireRecentSignIn(app, viewer)
  await requireStrengthOf(app, viewer, await requireAccount(app, id))
  const actor = viewer.account
  const started = await administerUser(app, caller, IMPERSONATE, id, async (tx, account) => {
    if (account.id === actor.id) throw new AuthError('CONFLICT', { message: OWN_ACCOUNT })
    if (account.disabledAt) throw new AuthError('CONFLICT', { message: DISABLED })
    const session = sessionOf(app, account, ownSession, request)
    await insertSession(tx, session)
    await record(tx, request, {
      action: 'user.impersonated',
      at: session.createdAt,
      actorId: actor.id,
      subjectId: account.id,
      detail: { sessionId: session.id, reason },
    })
    return { session, account }
  })
  return issueTokens(app, started, IMPERSONATION_SECONDS, actor.id)
}

const OWN_ACCOUNT = 'This is your own account.'
const DISABLED = 'This account is disabled. Enable it first.'

/**
 * Without the address and the device of the administrator, which the person would see. The audit log has them. It is bound
 * to the key of the administrator's own session.
 */
function sessionOf(
  app: App,
  { id }: Account,
  { id: actorSessionId, keyThumbprint }: Session,
  request: RequestInfo,
): Session {
  const origin = { ...request, ipAddress: undefined, userAgent: undefined }
  const session = newSession(app, id, origin, { proofs: [], remember: false, deviceName: null })
  const expiresAt = addSeconds(session.createdAt, IMPERSONATION_SECONDS)
  return {
    ...session,
    actorSessionId,
    keyThumbprint,
    expiresAt,
    absoluteExpiresAt: expiresAt,
    idleTtlSeconds: IMPERSONATION_SECONDS,
  }
}

const insert = `WITH account AS (SELECT session_epoch FROM users WHERE id = $1::uuid)
  ${insertSql('sessions', sessionColumns, 2, 'account', { epoch: 'account.session_epoch' })}`

/** In the account's current epoch, so that whatever ends the account's sessions ends this one too. */
async function insertSession(tx: Queryable, session: Session): Promise<void> {
  await tx.$executeRawUnsafe(insert, session.userId, toRows(sessionColumns, session))
}
