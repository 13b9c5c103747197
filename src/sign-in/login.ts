import { z } from 'zod'
import { findUser } from '../accounts/account.ts'
import { canonicalEmail } from '../accounts/email.ts'
import { deviceNameField } from '../accounts/fields.ts'
import { canonicalUsername } from '../accounts/username.ts'
import { findWaiting } from '../accounts/waiting.ts'
import type { App } from '../app.ts'
import { auditColumns, toEvent } from '../audit/record.ts'
import type { RequestFacts, Viewer } from '../context.ts'
import { statement } from '../database/client.ts'
import { insertSql, toRows } from '../database/insert.ts'
import { AuthError } from '../errors.ts'
import type { User } from '../generated/prisma/client.ts'
import { checkInput } from '../input.ts'
import { mailColumns, toMails } from '../mail/outbox.ts'
import { type GivenPassword, givenPasswordField } from '../passwords/new-password.ts'
import { grantsColumn, grantsOf } from '../permissions/grants.ts'
import { sessionColumns } from '../sessions/find.ts'
import { noticeTo, originOf } from '../sessions/notice.ts'
import { newSession } from '../sessions/start.ts'
import { countLogin, forgiveLogin } from './login-limits.ts'
import { provePassword, recordDenial, renewHash } from './prove-password.ts'

const schema = z.object({
  identifier: z.string().max(320, 'Use at most 320 characters.'),
  password: givenPasswordField,
  deviceName: deviceNameField.nullish(),
  rememberMe: z.boolean().nullish(),
})

/**
 * Writes to the owner where the account has been signed in to before, but never from a device of this name. What was
 * signed in to long ago has no sessions left: then the audit log knows, or a forgotten account is taken over unseen.
 * Starts the session only while the account still has the password that was proved: a change of
 * password or a disabling that came between leaves no session behind, for the row lock orders the two.
 */
const startSession = statement<[grants: string | null]>(
  'login',
  `WITH account AS (
     UPDATE users u SET last_login_at = $3 WHERE u.id = $1 AND u.password_hash = $2 AND u.disabled_at IS NULL
     RETURNING ${grantsColumn}
   ), strange AS (
     SELECT FROM account WHERE (
       EXISTS (SELECT FROM sessions WHERE user_id = $1)
       OR EXISTS (SELECT FROM audit_events WHERE subject_id = $1 AND action = 'session.started')
     ) AND NOT EXISTS (SELECT FROM sessions WHERE user_id = $1 AND device_name IS NOT DISTINCT FROM $7)
   ), noticed AS (${insertSql('mails', mailColumns, 6, 'strange')}),
   started AS (${insertSql('sessions', sessionColumns, 4, 'account')})
   ${insertSql('audit_events', auditColumns, 5, 'account')} RETURNING (SELECT grants FROM account)`,
)

/**
 * Signs in with an e-mail address or a username.
 * @throws AuthError BAD_USER_INPUT, INVALID_CREDENTIALS, ACCOUNT_DISABLED, EMAIL_NOT_VERIFIED,
 *   RATE_LIMITED, SERVICE_UNAVAILABLE
 */
export async function login(app: App, input: unknown, request: RequestFacts): Promise<Viewer> {
  const given = checkInput(schema, input)
  // An account that changed meanwhile is looked at once more: another login may only have renewed its hash.
  const viewer = (await tryLogin(app, given, request)) ?? (await tryLogin(app, given, request))
  if (!viewer) throw new AuthError('INVALID_CREDENTIALS', { cause: 'changed meanwhile' })
  return viewer
}

/** Undefined when the account changed between the proof of the password and the start of the session. */
async function tryLogin(
  app: App,
  { identifier, password, deviceName, rememberMe }: z.output<typeof schema>,
  request: RequestFacts,
): Promise<Viewer | undefined> {
  const name = canonicalIdentifier(identifier)
  const claimed = name && (await findUser(app, name.key, name.value))
  await countLogin(app, claimed, name?.value ?? identifier, request)
  const account = await proveOrWait(app, claimed, name, password, request)
  await forgiveLogin(app, account, request)
  if (account.disabledAt) {
    await recordDenial(app, account.id, request)
    throw new AuthError('ACCOUNT_DISABLED')
  }
  if (app.config.emailVerification === 'required' && !account.emailVerifiedAt) {
    await recordDenial(app, account.id, request)
    throw new AuthError('EMAIL_NOT_VERIFIED')
  }
  const passwordHash = await renewHash(app, account, password)
  const session = newSession(app, account.id, request, { remember: rememberMe ?? true, deviceName })
  const now = session.createdAt
  const event = toEvent(request, {
    action: 'session.started',
    at: now,
    actorId: account.id,
    subjectId: account.id,
    detail: { sessionId: session.id },
  })
  const origin = { ...originOf(app, request), device: session.deviceName }
  const [started] = await startSession(app.pool, [
    account.id,
    passwordHash,
    now,
    toRows(sessionColumns, session),
    toRows(auditColumns, event),
    toRows(mailColumns, ...toMails(app, noticeTo(app, account, 'new-device', origin))),
    session.deviceName,
  ])
  if (!started) return undefined
  const grants = grantsOf(app, started[0])
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
  password: GivenPassword,
  request: RequestFacts,
): Promise<User & { passwordHash: string }> {
  try {
    return await provePassword(app, claimed, password, request)
  } catch (error) {
    const mayWait = app.config.emailVerification === 'required' && name?.key === 'email'
    if (!mayWait || !(error instanceof AuthError) || error.code !== 'INVALID_CREDENTIALS') throw error
    const waiting = await findWaiting(app, name.value, request)
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
