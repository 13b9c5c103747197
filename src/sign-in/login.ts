import { z } from 'zod'
import { findUser } from '../accounts/account.ts'
import { canonicalEmail } from '../accounts/email.ts'
import { deviceNameField } from '../accounts/fields.ts'
import { findPendingRegistration } from '../accounts/pending-registration.ts'
import { emailOriginOf, securityNotice } from '../accounts/security-notice.ts'
import { canonicalUsername } from '../accounts/username.ts'
import type { App } from '../app.ts'
import { auditColumns, toEvent } from '../audit/record.ts'
import type { RequestInfo } from '../context.ts'
import { countLogin, forgiveLogin, loginAttempts } from '../credentials/attempts.ts'
import { type SubmittedPassword, submittedPasswordField } from '../credentials/password/new-password.ts'
import { provePassword, recordDenial, renewHash } from '../credentials/password/prove.ts'
import { statement } from '../database/client.ts'
import { insertSql, toRows } from '../database/insert.ts'
import { type Device, evictDevicesSql, newDevice, seenDeviceSql, toDeviceRows } from '../devices/device.ts'
import { AuthError } from '../errors.ts'
import type { User } from '../generated/prisma/client.ts'
import { checkInput } from '../input.ts'
import { noticeParameters, noticeSql } from '../mail/notices.ts'
import { sendOverdueVerification } from '../one-time-tokens/overdue-verification.ts'
import { grantsColumn, grantsOf } from '../permissions/grants.ts'
import { type SessionWithAccount, sessionColumns } from '../sessions/find-session.ts'
import { newSession } from '../sessions/start.ts'

const schema = z.object({
  identifier: z.string().max(320, 'Use at most 320 characters.'),
  password: submittedPasswordField,
  deviceName: deviceNameField.nullish(),
  rememberMe: z.boolean().nullish(),
})

/**
 * Writes to the owner where the account has been signed in to before, but never from this device. What was signed in to
 * long ago has no sessions left: then the audit log knows, or a forgotten account is taken over unseen.
 * Starts the session only while the account still has the password that was proved: a change of
 * password or a disabling that came between leaves no session behind, for the row lock orders the two.
 * The same lock orders sign-ins, so the oldest session ends when there are SESSIONS_MAX already, however many sign in
 * at the same time.
 */
const startSession = statement<[grants: string | null]>(
  'login',
  `WITH account AS (
     UPDATE users u SET last_login_at = $3 WHERE u.id = $1 AND u.password_hash = $2 AND u.disabled_at IS NULL
     RETURNING u.session_epoch AS epoch, ${grantsColumn}
   ), room AS MATERIALIZED (
     SELECT epoch, make_room_for_session($1, epoch, $8, $3) AS ended FROM account
   ), crowded AS (SELECT ended FROM room WHERE ended > 0),
   device AS (${seenDeviceSql(6, 'account')}),
   fresh AS (SELECT FROM device WHERE fresh),
   evicted AS (${evictDevicesSql(1, 'fresh')}),
   strange AS (
     SELECT FROM account WHERE (
       EXISTS (SELECT FROM sessions WHERE user_id = $1)
       OR EXISTS (SELECT FROM audit_events WHERE subject_id = $1 AND action = 'session.started')
     ) AND EXISTS (SELECT FROM fresh)
   ), ${noticeSql(10, 'strange')},
   started AS (${insertSql('sessions', sessionColumns, 4, 'room', { epoch: 'room.epoch' })}),
   revoked AS (${insertSql('audit_events', auditColumns, 9, 'crowded', {
     detail: `r.detail || jsonb_build_object('count', crowded.ended)`,
   })}),
   usual AS (SELECT FROM account WHERE NOT EXISTS (SELECT FROM strange)),
   recorded AS (${insertSql('audit_events', auditColumns, 5, 'usual')}),
   recorded_as_new AS (${insertSql('audit_events', auditColumns, 7, 'strange')})
   SELECT grants FROM account`,
)

/**
 * Signs in with an e-mail address or a username, from the device that the client presented or else from a new one.
 * @throws AuthError BAD_USER_INPUT, INVALID_CREDENTIALS, ACCOUNT_DISABLED, EMAIL_NOT_VERIFIED,
 *   RATE_LIMITED, SERVICE_UNAVAILABLE
 */
export async function login(
  app: App,
  input: unknown,
  request: RequestInfo,
  presented: Device | undefined,
): Promise<{ started: SessionWithAccount; device: Device }> {
  const given = checkInput(schema, input)
  const device = presented ?? newDevice(app)
  const attempt = () => tryLogin(app, given, request, { device, presented })
  // An account that changed meanwhile is looked at once more: another login may only have renewed its hash.
  const started = (await attempt()) ?? (await attempt())
  if (!started) throw new AuthError('INVALID_CREDENTIALS', { cause: 'changed meanwhile' })
  return { started, device }
}

/** Undefined when the account changed between the proof of the password and the start of the session. */
async function tryLogin(
  app: App,
  { identifier, password, deviceName, rememberMe }: z.output<typeof schema>,
  request: RequestInfo,
  { device, presented }: { device: Device; presented: Device | undefined },
): Promise<SessionWithAccount | undefined> {
  const name = canonicalIdentifier(identifier)
  const findAccount = async () => name && findUser(app, name.key, name.value)
  const attempts = loginAttempts(app, name?.value ?? identifier, presented, request)
  const counted = await countLogin(app, attempts, findAccount, request)
  const account = await proveOrWait(app, await findAccount(), name, password, request)
  await forgiveLogin(app, attempts, account, counted, request)
  if (account.disabledAt) {
    await recordDenial(app, account.id, request)
    throw new AuthError('ACCOUNT_DISABLED')
  }
  if (app.config.emailVerification === 'required' && !account.emailVerifiedAt) {
    await recordDenial(app, account.id, request)
    await sendOverdueVerification(app, account, emailOriginOf(app, request), request)
    throw new AuthError('EMAIL_NOT_VERIFIED')
  }
  const passwordHash = await renewHash(app, account, password)
  const session = newSession(app, account.id, request, { remember: rememberMe ?? true, deviceName })
  const now = session.createdAt
  const own = { at: now, actorId: account.id, subjectId: account.id } as const
  const event = (detail: { newDevice?: true }) =>
    toRows(
      auditColumns,
      toEvent(request, { ...own, action: 'session.started', detail: { sessionId: session.id, ...detail } }),
    )
  const revocation = { ...own, action: 'session.revoked', detail: { because: 'too many sessions' } } as const
  const notice = securityNotice(app, account, 'new-device', emailOriginOf(app, request))
  const [row] = await startSession(app.pool, [
    account.id,
    passwordHash,
    now,
    toRows(sessionColumns, session),
    event({}),
    toDeviceRows(app, account.id, device),
    event({ newDevice: true }),
    app.config.sessions.max,
    toRows(auditColumns, toEvent(request, revocation)),
    ...noticeParameters(app, account, notice),
  ])
  if (!row) return undefined
  const grants = grantsOf(app, row[0])
  return { account: { ...account, ...grants, passwordHash, lastLoginAt: now }, session }
}

/**
 * As `provePassword`. Where addresses must be verified and the password is not an account's, it may be that of an
 * account which waits for that: told to whoever registered the address, whether or not it has another account. The
 * second hash is computed for every address, so that time tells nothing either. It forgives no attempts: registering
 * somebody's address must not make guesses at the password free.
 * @throws AuthError INVALID_CREDENTIALS, EMAIL_NOT_VERIFIED, SERVICE_UNAVAILABLE
 */
async function proveOrWait(
  app: App,
  claimed: User | undefined,
  name: Name | undefined,
  password: SubmittedPassword,
  request: RequestInfo,
): Promise<User & { passwordHash: string }> {
  try {
    return await provePassword(app, claimed, password, request)
  } catch (error) {
    const mayWait = app.config.emailVerification === 'required' && name?.key === 'email'
    if (!mayWait || !(error instanceof AuthError) || error.code !== 'INVALID_CREDENTIALS') throw error
    const waiting = await findPendingRegistration(app, name.value, request)
    const waits = await app.hasher.verify(waiting?.account.passwordHash, password.normal)
    throw waits ? new AuthError('EMAIL_NOT_VERIFIED') : error
  }
}

type Name = { key: 'email' | 'username'; value: string }

/** The name in the form that accounts are found and counted by; undefined for what can be no name. */
function canonicalIdentifier(identifier: string): Name | undefined {
  const email = canonicalEmail(identifier)
  if (email !== undefined) return { key: 'email', value: email }
  const username = canonicalUsername(identifier)
  return username === undefined ? undefined : { key: 'username', value: username }
}
